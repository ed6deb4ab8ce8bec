"""Reads the images of a source into memory; each split is read without the other."""

from dataclasses import dataclass
from pathlib import Path

from pdarts.data.catalog import SOURCES
from pdarts.data.split import Split, SplitName
from pdarts.errors import InputError


@dataclass(frozen=True)
class Images:
    """Both splits of a data set, and the names of its classes."""

    train: Split
    test: Split
    classes: tuple[str, ...]


def load(source: str, root: Path, download: bool) -> Images:
    """Read all images of a source; arguments and errors are those of `load_split`."""
    train, classes = load_split(source, "train", root, download)
    return Images(train, load_split(source, "test", root, download)[0], classes)


def load_split(source: str, name: SplitName, root: Path, download: bool) -> tuple[Split, tuple[str, ...]]:
    """Read the images of one split and the names of the classes; files of the other split need not be there.

    Args:
        source: a key of `SOURCES`.
        name: the split to read.
        root: folder of the source's files; `digits` ignores it.
        download: fetch missing files where the source allows it.

    Raises:
        InputError: if a file is missing, cut off or another one, with advice.
    """
    split, classes = SOURCES[source].read(name, root, download)
    present = int(split.labels.max()) + 1
    if present > len(classes):
        raise InputError(
            f"{source}: labels in {root} go up to class {present - 1}, but only {len(classes)} classes are named "
            "there; get the data set anew"
        )
    return split, classes
