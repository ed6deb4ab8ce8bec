"""Finds the files of an image folder and its classes, and says where files do not lie as they should."""

import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from pdarts.errors import InputError, warn
from pdarts.settings.datasets import ImageFolder

FOLDERS = {"train": "train", "test": "val"}
"""Folder of each split, in ImageNet's layout."""
SHOWN = 20
"""Maximal number of names that a message lists."""
OTHER_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "test", "testing", "dev", "eval"),
}
"""What people call the folder of each split, in small letters."""
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


def found(dataset: ImageFolder, root: Path, name: str, problems: list[Problem]) -> Tree:
    """Find the files below `root/name`, in the folders of classes; what cannot be used is added to `problems`.

    Raises:
        InputError: if that is no folder, if a folder in it cannot be listed, or if the name of a class is not UTF-8.
    """
    if not (root / name).is_dir():
        missing = "is no folder" if os.path.lexists(root / name) else f"is not there{_instead(root, name)}"
        raise InputError(
            f"{dataset.folder}: {root / name} {missing}; images lie in train/CLASS/ and "
            f"val/CLASS/ of one folder, which machine.data_roots.{dataset.folder} names"
        )
    tree = _walked(root / name, problems)
    problems += [(root / name / path, "lies outside the folders of the classes") for path in tree.outside]
    for label in classes_in(tree):
        if label.encode(errors="ignore") != os.fsencode(label):
            raise InputError(
                f"{dataset.folder}: the class {os.fsencode(label)!r} in {root / name} has a name that is not UTF-8, so "
                "that no result could hold it; rename the folder, such as with convmv"
            )
    return tree


def classes_in(tree: Tree) -> set[str]:
    """Names of the folders that have files in or below them."""
    return {path.partition("/")[0] for path in tree.files}


def classes(dataset: ImageFolder, root: Path, trees: dict[str, Tree]) -> tuple[str, ...]:
    """Return the sorted names of the classes' folders.

    Args:
        dataset: settings, for messages.
        root: the folder that has `train` and `val`.
        trees: what lies in each of these two, by name.

    Raises:
        InputError: if both differ in classes, or there are fewer than two.
    """
    names = {name: classes_in(tree) for name, tree in trees.items()}
    for name, tree in trees.items():
        if len(names[name]) == 1:
            _refuse_another_level(dataset, root / name, tree)
    for here, there in (("train", "val"), ("val", "train")):
        if missing := names[here] - names[there]:
            others = names[there] - names[here]
            instead = f", which has {listed(others)} instead" if others else _outside(trees[there])
            if _composed(missing) & _composed(others):
                instead += " (the same letters, composed of other Unicode characters)"
            raise InputError(
                f"{dataset.folder}: {len(missing)} of the classes in {root / here} have no images in {root / there} "
                f"({listed(missing)}){instead}; both need a folder of that name with images"
            )
    if len(names["train"]) < 2:
        alone = f" but those of {listed(names['train'])}" if names["train"] else ""
        raise InputError(
            f"{dataset.folder}: there are no images in {root / 'train'}/CLASS/{alone}{_outside(trees['train'])}; put "
            "them there, in a folder for each class, of which a network needs at least two"
        )
    for name, tree in trees.items():
        _warn(dataset, root / name, tree)
    return tuple(sorted(names["train"]))


def listed(names: Collection[str], shown: int = SHOWN) -> str:
    """Sorted names in a message, the first ones of many."""
    return ", ".join([*sorted(names)[:shown], *["…"] * (len(names) > shown)])


def _composed(names: set[str]) -> set[str]:
    return {unicodedata.normalize("NFC", name) for name in names}


def _walked(top: Path, problems: list[Problem]) -> Tree:
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
                problems.append((folder / entry.name, "is no file but a device, pipe or socket"))
            elif below:
                tree.files[path] = File(status.st_size, status.st_mtime_ns)
            else:
                tree.outside.append(path)
    return tree


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _instead(root: Path, name: str) -> str:
    """Say what is in `root` in place of the folder `name`, and which of it seems to be meant."""
    if not root.is_dir():
        return f", nor is {root}"
    present = {entry.name for entry in visible(root)} - {"index"}
    alike = sorted(other for other in present - set(OTHER_NAMES) if other.lower() in OTHER_NAMES[name])
    if alike:
        return f", but {root / alike[0]} is: rename it to {name}"
    deeper = sorted(other for other in present if all((root / other / split).is_dir() for split in OTHER_NAMES))
    if deeper:
        return f", but {root / deeper[0] / name} is: name {root / deeper[0]} in place of {root}"
    return f"; {root} has {listed(present) or 'nothing in it'}"


def _outside(tree: Tree) -> str:
    return f", where files lie outside of any folder, {len(tree.outside):,} in number" if tree.outside else ""


def _refuse_another_level(dataset: ImageFolder, folder: Path, tree: Tree) -> None:
    """Refuse a single class that has folders in it, which seem to be the classes."""
    (label,) = classes_in(tree)
    level, below = label, _parts_below(tree, label)
    while len(below) == 1 and "" not in below:
        level = f"{level}/{below.pop()}"
        below = _parts_below(tree, level)
    if len(below - {""}) > 1:
        raise InputError(
            f"{dataset.folder}: all images in {folder} lie in one folder, {label}, which would be the only class; the "
            f"classes seem to be a level deeper, in {folder / level} ({listed(below - {''})}): move these folders up "
            f"into {folder}"
        )


def _parts_below(tree: Tree, level: str) -> set[str]:
    """Names of the folders in the folder `level` that have files; with `""` if files lie directly in it."""
    within = (path.removeprefix(f"{level}/") for path in tree.files if path.startswith(f"{level}/"))
    return {path.partition("/")[0] if "/" in path else "" for path in within}


def _warn(dataset: ImageFolder, folder: Path, tree: Tree) -> None:
    """Warn of folders without images, which are no class, and of classes that have folders in place of images."""
    labels = classes_in(tree)
    empty = {path for path in tree.folders if path and "/" not in path} - labels
    if empty:
        warn(f"{dataset.folder}: {folder} has folders without images, which are no classes: {listed(empty)}")
    below = defaultdict(set)
    for path in tree.files:
        label, *parts = path.split("/")
        below[label].add(parts[0] if len(parts) > 1 else "")
    divided = [
        f"{label} ({listed(parts)})" for label, parts in sorted(below.items()) if len(parts) > 1 and "" not in parts
    ]
    if divided:
        warn(
            f"{dataset.folder}: {folder} has classes that are divided into folders: {listed(divided, 3)}; if each of "
            f"these is a class, move them up into {folder}"
        )
