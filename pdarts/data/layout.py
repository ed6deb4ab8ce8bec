"""Tells the classes of an image folder, and says where files do not lie in the folder of a class."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from pdarts.data.tree import Problem, Tree, tree_of, visible
from pdarts.errors import InputError, warn
from pdarts.settings.datasets import ImageFolder

SHOWN = 20
"""Maximal number of names that a message lists."""
OTHER_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "test", "testing", "dev", "eval"),
}
"""What people call the folder of each split, in small letters."""


def found(dataset: ImageFolder, root: Path, name: str, problems: list[Problem]) -> Tree:
    """Find the files below `root/name`, in the folders of classes; what cannot be used is added to `problems`.

    Raises:
        InputError: if that is not a folder, if a folder in it cannot be listed, or if the name of a class is not UTF-8.
    """
    if not (root / name).is_dir():
        missing = "is not a folder" if os.path.lexists(root / name) else f"is not there{_instead(root, name)}"
        raise InputError(
            f"{dataset.folder}: {root / name} {missing}; images lie in train/CLASS/ and "
            f"val/CLASS/ of one folder, which machine.data_roots.{dataset.folder} names"
        )
    tree = tree_of(root / name, problems)
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
    """Warn of folders without images, which are not classes, and of classes that have folders in place of images."""
    labels = classes_in(tree)
    empty = {path for path in tree.folders if path and "/" not in path} - labels
    if empty:
        warn(f"{dataset.folder}: {folder} has folders without images, which are not classes: {listed(empty)}")
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
