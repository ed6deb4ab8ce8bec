"""A long step's place to continue from: written whole, checksummed, and used for the same work only."""

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


class Checkpoint:
    """A file beside a step's outputs that outlives the step's death, and the one that was written before it.

    Args:
        output: what the step writes in the end. The checkpoint lies beside it, and Snakemake does not know it, since
            it deletes the outputs of a failed job.
        identity: what the work depends on: step, seed, settings, inputs and code, as plain values.
        other_code: continue from a checkpoint whose identity differs in the code alone.
    """

    def __init__(self, output: Path, identity: Mapping[str, Any], other_code: bool) -> None:
        self.identity, self.other_code = dict(identity), other_code
        self.path, self.before = (output.with_name(f"{output.name}.{ending}") for ending in ("resume", "resume-before"))

    def remove(self) -> None:
        """Delete the files, once the work is done and its outputs are written."""
        self.path.unlink(missing_ok=True)
        self.before.unlink(missing_ok=True)

    def save(self, state: Mapping[str, Any]) -> None:
        """Write `state`; the file before is kept until this one is safe.

        Args:
            state: plain values and tensors.

        Raises:
            OSError: if it cannot be written; the older files are untouched.
        """
        buffer = io.BytesIO()
        torch.save({"identity": self.identity, "state": dict(state)}, buffer)
        content = buffer.getbuffer()

        def keep(part: Path) -> None:
            with part.open("wb") as file:
                file.write(content)
                file.write(hashlib.sha256(content).digest())
                os.fsync(file.fileno())  # on the disk, not only on its way, before the older file moves
            if self.path.exists():
                self.path.replace(self.before)

        files.write(self.path, keep)

    def load(self) -> dict[str, Any] | None:
        """The newest state that is whole and of the same work, or None; what is passed over is said.

        With it comes, as `code`, the hash of the code that wrote it.
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
        raise ValueError(f"it is no checkpoint of this torch version ({str(error).splitlines()[0]})") from error
    return saved
