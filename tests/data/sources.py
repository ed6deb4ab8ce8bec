"""Both splits of a source at once."""

from dataclasses import dataclass
from pathlib import Path

from pdarts.data.catalog import SOURCES
from pdarts.data.split import Split


@dataclass(frozen=True)
class Images:
    """A data set."""

    train: Split
    test: Split
    classes: tuple[str, ...]


def load(source: str, root: Path, download: bool) -> Images:
    """All images of a source."""
    train, classes = SOURCES[source].load("train", root, download)
    return Images(train, SOURCES[source].load("test", root, download)[0], classes)
