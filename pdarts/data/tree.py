"""Lists all files below `train` or `val` of an image folder, and follows no link in a circle."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from pdarts.errors import InputError

FOLDERS = {"train": "train", "test": "val"}
"""Folder of each split, in ImageNet's layout."""
LEADS_BACK = "leads back to a folder that it lies in, so its files have no end; remove this link"


class File(NamedTuple):
    """A file that should be an image."""

    size: int
    changed: int
    """Time of its last change, in nanoseconds."""


class Folder(NamedTuple):
    """What tells a folder to which nothing was added from one that has more or less in it."""

    changed: int
    """Time of its last change, in nanoseconds."""
    entries: int
    """Number of files and folders directly in it, without hidden ones."""


class Tree(NamedTuple):
    """All that lies below a folder, without hidden files; paths start at this folder, which is `""` itself."""

    files: dict[str, File]
    """Files in the folders of classes, or further below."""
    outside: list[str]
    """Files that lie beside these folders."""
    folders: dict[str, Folder]


Problem = tuple[Path, str]
"""A file and why it cannot be used."""


def index_file(root: Path, split: str) -> Path:
    """Path of the index of a split, beside its images."""
    return root / "index" / f"{FOLDERS[split]}.jsonl"


def visible(path: Path) -> list[os.DirEntry[str]]:
    """List what is directly in a folder, without what is hidden."""
    with os.scandir(path) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]


def tree_of(top: Path, problems: list[Problem]) -> Tree:
    """List all that lies below a folder; what is neither a file nor a folder is added to `problems`.

    Raises:
        InputError: if a folder cannot be listed, or one directly in `top` is a link that leads nowhere.
    """
    tree, waiting = Tree({}, [], {}), [("", frozenset(map(_identity, top.resolve().parents)))]
    while waiting:
        below, around = waiting.pop()
        folder = top / below
        try:
            status, entries = folder.stat(), visible(folder)
        except OSError as error:
            raise InputError(
                f"{folder}: this folder cannot be listed ({error.strerror}); make it readable, or remove it"
            ) from error
        identity = (status.st_dev, status.st_ino)
        if identity in around:
            problems.append((folder, LEADS_BACK))
            continue
        tree.folders[below] = Folder(status.st_mtime_ns, len(entries))
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            try:
                status = entry.stat()
            except OSError as error:
                if not below:
                    raise InputError(
                        f"{folder / entry.name}: is a link that leads nowhere ({error.strerror})"
                    ) from error
                problems.append((folder / entry.name, str(error.strerror)))
                continue
            if stat.S_ISDIR(status.st_mode):
                waiting.append((path, around | {identity}))
            elif not stat.S_ISREG(status.st_mode):
                problems.append((folder / entry.name, "is not a file but a device, pipe or socket"))
            elif below:
                tree.files[path] = File(status.st_size, status.st_mtime_ns)
            else:
                tree.outside.append(path)
    return tree


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
