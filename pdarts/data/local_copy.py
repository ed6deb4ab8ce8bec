"""Copies image folders from shared storage to a disk of the node that computes."""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from pdarts.data.index import Entry, Index
from pdarts.data.lock import locked
from pdarts.errors import InputError, counted

REPORT_SECONDS = 20.0


def folder(text: str) -> Path:
    """Folder that `machine.local_copy` names on this node.

    Raises:
        InputError: if it names an environment variable that is not set.
    """
    path = os.path.expandvars(text)
    if "$" in path:
        raise InputError(
            f"machine.local_copy is {text!r}, which names an environment variable that is not set on this node; "
            "allowed: a folder, or null to read images where they lie"
        )
    return Path(path)


def copied(indices: Sequence[Index], target: Path, workers: int) -> list[Index]:
    """Copy images that are missing below `target`, or differ there, and return indices of the copies.

    Other processes of the node wait meanwhile. An interrupted copy continues with the images that are missing.

    Args:
        indices: the images, in one or several parts.
        target: folder for the images of this split, on a disk of this node.
        workers: number of files that are copied at a time; below 1 counts as 1.

    Raises:
        InputError: if the disk is too small for all parts, or an image has changed since it was verified.
    """
    target.mkdir(parents=True, exist_ok=True)
    complete = {target.with_name(f"{target.name}-{index.digest()}.complete"): index for index in indices}
    with locked(target.with_name("lock")):
        _fill([index for mark, index in complete.items() if not mark.exists()], target, max(workers, 1))
        for mark in complete:
            mark.touch()
    return [replace(index, root=target) for index in indices]


def _fill(indices: Sequence[Index], target: Path, workers: int) -> None:
    with ThreadPoolExecutor(workers) as pool:
        entries = [(index, index[number]) for index in indices for number in range(len(index))]
        present = pool.map(partial(_holds, target), entries)
        missing = [image for image, there in zip(entries, present, strict=True) if not there]
        needed, free = sum(entry.size for _, entry in missing), shutil.disk_usage(target).free
        if needed > free:
            raise InputError(
                f"machine.local_copy: {target} has room for {free / 1e9:.1f} GB, but {needed / 1e9:.1f} GB are to be "
                "copied there; free space, name another disk, or set it to null"
            )
        shown = time.monotonic()
        for number, _ in enumerate(pool.map(partial(_copy, target), missing), 1):
            if time.monotonic() - shown > REPORT_SECONDS or number == len(missing):
                shown = time.monotonic()
                print(f"{target}: {number:,} of {counted(len(missing), 'image')} copied", file=sys.stderr, flush=True)


def _holds(folder: Path, image: tuple[Index, Entry]) -> bool:
    _, entry = image
    path = folder / entry.path
    return path.is_file() and path.stat().st_size == entry.size and _is(path.read_bytes(), entry)


def _copy(target: Path, image: tuple[Index, Entry]) -> None:
    index, entry = image
    content = index.content(entry)
    path = target / entry.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _is(content: bytes, entry: Entry) -> bool:
    return hashlib.sha256(content).hexdigest() == entry.sha256
