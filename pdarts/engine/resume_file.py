"""The files that a long step continues from: written whole, with a checksum, and used for the same work only."""

import glob
import hashlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from pdarts.data.lock import taken
from pdarts.engine import files
from pdarts.errors import InputError

DIGEST = hashlib.sha256().digest_size
"""Bytes of the checksum at the end of a file."""
BEFORE, FAILED, LOCK = ".before", ".failed", ".resume-lock"
"""Ends of the names of the file that was written before, of a note on a failure, and of the lock of an output."""


class ResumeFile:
    """The file that a killed step continues from, and the one that was written before it.

    Both lie beside the step's output and are unknown to Snakemake, which deletes the outputs of a failed job. Their
    names have a hash of all that the work depends on, so that other work never overwrites them: a step whose settings
    are changed and changed back continues what it had begun.

    Args:
        output: file that the step writes in the end.
        identity: all that the work depends on: step, seed, settings, inputs and code, as plain values.
        other_code: whether to continue from a file whose identity differs in the code alone.
    """

    def __init__(self, output: Path, identity: Mapping[str, Any], other_code: bool) -> None:
        self.output, self.identity, self.other_code = output, dict(identity), other_code
        work = hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:8]
        self.path = output.with_name(f"{output.name}.resume-{work}")
        self.before, self.failed = (self.path.with_name(self.path.name + end) for end in (BEFORE, FAILED))

    def claim(self) -> bool:
        """Claim the output for this process until it ends; False while another one computes it.

        A step goes on when the Snakemake that started it is killed, and the next Snakemake starts the step again.
        """
        self.output.parent.mkdir(parents=True, exist_ok=True)
        self._lock = self.output.with_name(f"{self.output.name}{LOCK}").open("a")  # held while it is open
        return taken(self._lock)

    def refuse_failed(self) -> None:
        """Refuse work that has failed before and would fail again.

        Raises:
            InputError: with the message of the failure.
        """
        if self.failed.exists():
            message = self.failed.read_text(encoding="utf-8").strip()
            raise InputError(f"{message}\nThis is known from an earlier attempt; to try again, delete {self.failed}")

    def note_failure(self, message: str) -> None:
        """Let every later attempt at the same work end at once with `message`."""
        files.write_text(self.failed, message + "\n")

    def save(self, content: Mapping[str, Any]) -> None:
        """Write `content`, of plain values and tensors; the file before is kept until this one is on the disk.

        Raises:
            OSError: if it cannot be written; the older files are untouched.
        """
        buffer = io.BytesIO()
        torch.save({"identity": self.identity, "state": dict(content)}, buffer)
        whole = buffer.getbuffer()

        def keep(part: Path) -> None:
            with part.open("wb") as file:
                file.write(whole)
                file.write(hashlib.sha256(whole).digest())
                os.fsync(file.fileno())  # on the disk, not only on its way, before the older file moves
            if self.path.exists():
                self.path.replace(self.before)

        files.write(self.path, keep)

    def load(self) -> dict[str, Any] | None:
        """Read the newest content that is whole and of the same work; None if there is none.

        With `other_code`, it is the content that is furthest, whichever code wrote it. It has one key more: `code`, the
        hash of the code that wrote it. Files that are not used are named on standard error, with the reason.
        """
        own = next((saved for path in (self.path, self.before) if (saved := self._usable(path)) is not None), None)
        if own is not None and not self.other_code:
            return own
        found = [own, *(self._usable(path) for path in self._others())]
        return max((saved for saved in found if saved is not None), key=_reached, default=None)

    def _others(self) -> Iterator[Path]:
        """Find the files of other work on the same output, and those of older versions, whose names have no hash."""
        for path in sorted(self.output.parent.glob(f"{glob.escape(self.output.name)}.resume*")):
            if path != self.path and not path.name.endswith((BEFORE, FAILED, LOCK, "-before")):
                yield path

    def _usable(self, path: Path) -> dict[str, Any] | None:
        try:
            saved = _read(path)
        except FileNotFoundError:
            return None
        except ValueError as error:
            print(f"{path}: not used, {error}", file=sys.stderr)
            return None
        if reasons := self._differences(saved["identity"]):
            print(f"{path}: kept but not used, it belongs to other work: {'; '.join(reasons)}", file=sys.stderr)
            return None
        return {**saved["state"], "code": saved["identity"].get("code")}

    def _differences(self, found: Mapping[str, Any]) -> list[str]:
        wanted = self.identity
        keys = [key for key in {**found, **wanted} if found.get(key) != wanted.get(key)]
        if keys == ["code"]:
            if self.other_code:
                return []
            return ["the code has changed; machine.resume_other_code: true continues it all the same"]
        return [_difference(key, found.get(key), wanted.get(key)) for key in keys]


def result_was_read(path: Path, provenance: Mapping[str, Any]) -> None:
    """Delete the resume file of a finished step, which is kept until a later step has read the result.

    Until then Snakemake may still delete the result, for example if it is killed or clocks differ.

    Args:
        path: the result.
        provenance: that of the result; older ones name no resume file.
    """
    if "resume_file" in provenance and os.access(path.parent, os.W_OK):
        remove(path, provenance["resume_file"])


def remove(output: Path, name: str) -> None:
    """Delete a resume file beside a step's output, and what belongs to it.

    Args:
        output: the file that the step wrote.
        name: of the resume file.
    """
    for beside in (name, name + BEFORE, name + FAILED, output.name + LOCK):
        output.with_name(beside).unlink(missing_ok=True)


def _reached(saved: Mapping[str, Any]) -> tuple[int, int]:
    return saved["epoch"], saved["step"]


def _difference(key: str, found: Any, wanted: Any) -> str:
    if isinstance(found, dict) and isinstance(wanted, dict):
        inner = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
        return "; ".join(_difference(f"{key}.{name}", found.get(name), wanted.get(name)) for name in inner)
    return f"{key} is {found!r} there, {wanted!r} here"


def _read(path: Path) -> dict[str, Any]:
    """Raises: ValueError if the file is damaged, FileNotFoundError if there is none."""
    content = path.read_bytes()
    if len(content) <= DIGEST or hashlib.sha256(content[:-DIGEST]).digest() != content[-DIGEST:]:
        raise ValueError("it is cut off or damaged")
    try:
        saved: dict[str, Any] = torch.load(io.BytesIO(content[:-DIGEST]), map_location="cpu", weights_only=True)
    except (RuntimeError, UnpicklingError, EOFError) as error:
        raise ValueError(f"it is not a resume file of this torch version ({str(error).splitlines()[0]})") from error
    return saved
