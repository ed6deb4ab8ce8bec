"""The file that a long step continues from: written whole, with a checksum, and used for the same work only."""

import hashlib
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from pdarts.engine import files

DIGEST = hashlib.sha256().digest_size
"""Bytes of the checksum at the end of the file."""


class ResumeFile:
    """The file that a killed step continues from, and the one that was written before it.

    Args:
        output: file that the step writes in the end. The resume file lies beside it and is unknown to Snakemake, which
            deletes the outputs of a failed job.
        identity: all that the work depends on: step, seed, settings, inputs and code, as plain values.
        other_code: whether to continue from a file whose identity differs in the code alone.
    """

    def __init__(self, output: Path, identity: Mapping[str, Any], other_code: bool) -> None:
        self.identity, self.other_code = dict(identity), other_code
        self.path, self.before = (output.with_name(f"{output.name}.{ending}") for ending in ("resume", "resume-before"))

    def remove(self) -> None:
        """Delete both files, once the outputs of the step are written."""
        self.path.unlink(missing_ok=True)
        self.before.unlink(missing_ok=True)

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

        The content has one key more: `code`, the hash of the code that wrote it. Files that are not used are named on
        standard error, with the reason.
        """
        for path in (self.path, self.before):
            if not path.exists():
                continue
            try:
                saved = _read(path)
            except ValueError as error:
                print(f"{path}: not used, {error}", file=sys.stderr)
                continue
            reasons = self._differences(saved["identity"])
            if not reasons:
                return {**saved["state"], "code": saved["identity"].get("code")}
            print(f"{path}: not used, it belongs to other work: {'; '.join(reasons)}", file=sys.stderr)
        return None

    def _differences(self, found: Mapping[str, Any]) -> list[str]:
        wanted = self.identity
        keys = [key for key in {**found, **wanted} if found.get(key) != wanted.get(key)]
        if keys == ["code"]:
            if self.other_code:
                return []
            return ["the code has changed; machine.resume_other_code: true continues it all the same"]
        return [_difference(key, found.get(key), wanted.get(key)) for key in keys]


def _difference(key: str, found: Any, wanted: Any) -> str:
    if isinstance(found, dict) and isinstance(wanted, dict):
        inner = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
        return "; ".join(_difference(f"{key}.{name}", found.get(name), wanted.get(name)) for name in inner)
    return f"{key} is {found!r} there, {wanted!r} here"


def _read(path: Path) -> dict[str, Any]:
    """Raises: ValueError if the file is damaged."""
    content = path.read_bytes()
    if len(content) <= DIGEST or hashlib.sha256(content[:-DIGEST]).digest() != content[-DIGEST:]:
        raise ValueError("it is cut off or damaged")
    try:
        saved: dict[str, Any] = torch.load(io.BytesIO(content[:-DIGEST]), map_location="cpu", weights_only=True)
    except (RuntimeError, UnpicklingError, EOFError) as error:
        raise ValueError(f"it is no resume file of this torch version ({str(error).splitlines()[0]})") from error
    return saved
