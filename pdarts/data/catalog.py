"""The data sets that `source` can name in the config, one record each: a new one is a record here and its reader.

Settings read this catalog, so it imports neither torch nor a reader before images are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pdarts.data.files import PublicFiles
from pdarts.errors import InputError

if TYPE_CHECKING:
    from pdarts.data.split import Split, SplitName
    from pdarts.data.whole_view import View


@dataclass(frozen=True)
class Source:
    """A data set whose images fit in memory."""

    name: str
    image_size: int
    """Height and width of its images in pixels."""
    train_images: int
    test_images: int
    classes: int
    read: "Callable[[SplitName, Path, bool], tuple[Split, tuple[str, ...]]]"
    """Reads images as `load` does."""
    view: "Callable[[], View]"
    """Makes a view that scales an RGB image to the size of those in the files, and does to it what `read` does."""
    preparation: str
    """What a view does, in words for those who prepare images without this package."""
    files: Callable[[Path], PublicFiles] | None
    """Says which files belong in a folder, and how to get them; None where the images are part of the package."""

    def load(self, split: "SplitName", root: Path, download: bool) -> "tuple[Split, tuple[str, ...]]":
        """Read the images of one split and the names of the classes; files of the other split need not be there.

        Args:
            split: the split to read.
            root: folder of the source's files; `digits` ignores it.
            download: fetch missing files where the source allows it.

        Raises:
            InputError: if a file is missing, cut off or another one, with advice.
        """
        images, classes = self.read(split, root, download)
        present = int(images.labels.max()) + 1
        if present > len(classes):
            raise InputError(
                f"{self.name}: labels in {root} go up to class {present - 1}, but only {len(classes)} classes are "
                "named there; get the data set anew"
            )
        return images, classes


def _digits(split: "SplitName", root: Path, download: bool) -> "tuple[Split, tuple[str, ...]]":
    from pdarts.data import uci_digits

    return uci_digits.read(split)


def _digits_view() -> "View":
    from pdarts.data import uci_digits

    return uci_digits.view


def _fashion_mnist(split: "SplitName", root: Path, download: bool) -> "tuple[Split, tuple[str, ...]]":
    from pdarts.data import fashion_mnist

    return fashion_mnist.read(split, root, download)


def _fashion_mnist_view() -> "View":
    from pdarts.data import fashion_mnist

    return fashion_mnist.view


def _fashion_mnist_files(root: Path) -> PublicFiles:
    from pdarts.data import fashion_mnist

    return fashion_mnist.files(root)


def _cifar(source: str, split: "SplitName", root: Path, download: bool) -> "tuple[Split, tuple[str, ...]]":
    from pdarts.data import cifar

    return cifar.read(source, split, root, download)


def _cifar_view() -> "View":
    from pdarts.data.whole_view import whole_view

    return whole_view(32)


def _cifar_files(source: str, root: Path) -> PublicFiles:
    from pdarts.data import cifar

    return cifar.files(source, root)


def _in_cifar_format(name: str, train_images: int, test_images: int, classes: int) -> Source:
    read, files = partial(_cifar, name), partial(_cifar_files, name)
    preparation = "scale the shorter side to 32 pixels, and cut out the centre of 32 x 32"
    return Source(name, 32, train_images, test_images, classes, read, _cifar_view, preparation, files)


_DIGITS = (
    "turn it grey, scale the shorter side to 8 pixels, cut out the centre of 8 x 8, double each pixel in both "
    "directions, and repeat grey for red, green and blue"
)
_FASHION_MNIST = (
    "turn it grey, scale the shorter side to 28 pixels, cut out the centre of 28 x 28, pad each side with 2 black "
    "pixels, and repeat grey for red, green and blue"
)

SOURCES = {
    source.name: source
    for source in (
        Source("digits", 16, 1352, 445, 10, _digits, _digits_view, _DIGITS, files=None),
        Source(
            "fashion_mnist",
            *(32, 60_000, 10_000, 10),
            *(_fashion_mnist, _fashion_mnist_view, _FASHION_MNIST, _fashion_mnist_files),
        ),
        _in_cifar_format("cifar10", 50_000, 10_000, 10),
        _in_cifar_format("cifar100", 50_000, 10_000, 100),
        _in_cifar_format("cifar10_stand_in", 1352, 445, 10),
        _in_cifar_format("cifar100_stand_in", 1352, 445, 100),
    )
}
"""All sources by name."""
