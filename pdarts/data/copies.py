"""Finds image files with the same content, which make a result look better or worse than it is."""

from pdarts.data.index import Entry, Index
from pdarts.errors import warn

SHOWN = 3
"""Maximal number of files that a warning names."""


def warn_of_copies(name: str, train: Index, test: Index) -> None:
    """Warn of files that are in both splits, and of files that are several times among the training images.

    Args:
        name: name of the folder, for messages.
        train: the training images.
        test: the test images.
    """
    numbers: dict[str, int] = {}
    copies = [
        (entry, train[first])
        for number, entry in enumerate(train)
        if (first := numbers.setdefault(entry.sha256, number)) != number
    ]
    tested = [(entry, train[numbers[entry.sha256]]) for entry in test if entry.sha256 in numbers]
    if tested:
        warn(
            f"{name}: images in val that are the same files as images in train: {len(tested):,} of {len(test):,} "
            f"({_named(tested)}); accuracy on images that were trained on says nothing of others"
        )
    if copies:
        otherwise = [(entry, first) for entry, first in copies if entry.label != first.label]
        warn(
            f"{name}: images in train that are the same files as others there: {len(copies):,} of {len(train):,}, "
            f"{len(otherwise):,} of these with another class ({_named(otherwise or copies)})"
        )


def _named(pairs: list[tuple[Entry, Entry]]) -> str:
    shown = [f"{one.path} = {other.path}" for one, other in pairs[:SHOWN]]
    return ", ".join(shown + ["…"] * (len(pairs) > SHOWN))
