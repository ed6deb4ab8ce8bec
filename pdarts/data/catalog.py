"""Every data set that can be named as a source, as tensors in memory.

Adding a source is one function here, its entry in `SOURCES`, and its name in `pdarts.settings.Source`.
"""

import gzip
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from pdarts.data.files import PublicFiles
from pdarts.errors import InputError
from pdarts.settings import Source

DIGITS = Path(__file__).parent / "digits" / "digits.csv.gz"
DIGITS_SHA256 = "02633070f0eba52475fb2cfaedcf256826aa2b6c462429e2e6d0826619fc55c9"

FASHION_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""Of the uncompressed files: the same images are compressed differently in different places."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their classes, in a fixed order."""

    images: Tensor
    """uint8, shape (N, 3, H, W)."""
    labels: Tensor
    """int64, shape (N,), from 0."""

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, start: int, stop: int) -> Self:
        """Images from number `start` up to, not including, `stop`; a view."""
        return type(self)(self.images[start:stop], self.labels[start:stop])


@dataclass(frozen=True)
class Images:
    """A data set: what is trained on, what is tested on, and the names of the classes."""

    train: Split
    test: Split
    classes: tuple[str, ...]


def load(source: Source, root: Path, download: bool) -> Images:
    """All images of a source.

    Args:
        source: which data set.
        root: folder of its files; without meaning for `digits`.
        download: fetch missing files where the source allows it.

    Raises:
        InputError: if a file is missing, cut off or another one, with what to do.
    """
    images = SOURCES[source](root, download)
    for split in (images.train, images.test):
        present = int(split.labels.max()) + 1
        if present > len(images.classes):
            raise InputError(
                f"{source}: labels in {root} go up to class {present - 1}, but only {len(images.classes)} classes "
                "are named there; get the data set anew"
            )
    return images


def _digits(root: Path, download: bool) -> Images:
    """UCI handwritten digits; `digits/README.md` says where they come from and how they are split."""
    content = DIGITS.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != DIGITS_SHA256:
        raise InputError(
            f"digits: {DIGITS} has sha256 {found} instead of {DIGITS_SHA256}; it is part of the package: "
            "restore it from the repository, or install the package again"
        )
    lines = gzip.decompress(content).decode("ascii").splitlines()
    table = torch.tensor([[int(value) for value in line.split(",")] for line in lines])  # (1797, 8 * 8 + 1)
    pixels, labels = table[:, :-1], table[:, -1]
    images = ((pixels * 255 + 8) // 16).to(torch.uint8).view(-1, 1, 8, 8)  # 0..16 to 0..255, rounded
    images = images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3).repeat(1, 3, 1, 1)  # (1797, 3, 16, 16)
    place_in_class = torch.zeros_like(labels)
    for label in range(10):
        place_in_class[labels == label] = torch.arange(int((labels == label).sum()))
    test = place_in_class % 4 == 3
    return Images(
        Split(images[~test], labels[~test]), Split(images[test], labels[test]), tuple(str(digit) for digit in range(10))
    )


def public_files(source: Source, root: Path) -> PublicFiles | None:
    """The files of a source that can be downloaded into `root`; None for one that is part of the package."""
    if source == "digits":
        return None
    return _fashion_mnist_files(root) if source == "fashion_mnist" else _cifar_files(source, root)


def _fashion_mnist_files(root: Path) -> PublicFiles:
    from torchvision.datasets import FashionMNIST  # takes seconds to import, which digits need not wait for

    return PublicFiles(
        source="fashion_mnist",
        root=root,
        page="https://github.com/zalandoresearch/fashion-mnist",
        places={
            name: tuple(f"{folder}{name}{ending}" for folder in ("", "FashionMNIST/raw/") for ending in ("", ".gz"))
            for name in FASHION_MNIST_SHA256
        },
        fetch=lambda folder: FashionMNIST(folder, download=True),
    )


def _fashion_mnist(root: Path, download: bool) -> Images:
    from torchvision.datasets import FashionMNIST

    files = _fashion_mnist_files(root)
    paths = files.paths(download)

    def read(name: str) -> Tensor:
        content = paths[name].read_bytes()
        if paths[name].suffix == ".gz":
            try:
                content = gzip.decompress(content)
            except (EOFError, OSError, zlib.error) as error:
                raise files.unusable(paths[name], f"gzip says {error}") from error
        files.verify(paths[name], content, "sha256", FASHION_MNIST_SHA256[name])
        header = 4 * (1 + content[3])  # bytes: magic number, which ends in the number of dimensions, and their sizes
        return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=header)

    def split(part: str) -> Split:
        grey = read(f"{part}-images-idx3-ubyte").view(-1, 1, 28, 28)
        padded = functional.pad(grey, (2, 2, 2, 2))  # black, to 32 x 32
        return Split(padded.repeat(1, 3, 1, 1), read(f"{part}-labels-idx1-ubyte").long())

    return Images(split("train"), split("t10k"), tuple(FashionMNIST.classes))


def _cifar_kind(source: Source) -> Any:
    from torchvision.datasets import CIFAR10, CIFAR100

    return {"cifar10": CIFAR10, "cifar100": CIFAR100}[source]


def _cifar_checksums(kind: Any) -> dict[str, str]:
    return dict([*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])])


def _cifar_files(source: Source, root: Path) -> PublicFiles:
    kind = _cifar_kind(source)
    return PublicFiles(
        source=source,
        root=root,
        page="https://www.cs.toronto.edu/~kriz/cifar.html (the python version)",
        places={name: (f"{kind.base_folder}/{name}",) for name in _cifar_checksums(kind)},
        fetch=lambda folder: kind(folder, download=True),
    )


def _cifar(source: Source, root: Path, download: bool) -> Images:
    kind, files = _cifar_kind(source), _cifar_files(source, root)
    checksums = _cifar_checksums(kind)
    # The files are pickles: neither this package nor torchvision unpickles one before its checksum is found right.
    for name, path in files.paths(download).items():
        files.verify(path, path.read_bytes(), "md5", checksums[name])
    parts = [kind(root, train=True), kind(root, train=False)]
    train, test = (
        Split(torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets))
        for part in parts  # data: (N, 32, 32, 3)
    )
    return Images(train, test, tuple(parts[0].classes))


SOURCES: dict[Source, Callable[[Path, bool], Images]] = {
    "digits": _digits,
    "fashion_mnist": _fashion_mnist,
    "cifar10": partial(_cifar, "cifar10"),
    "cifar100": partial(_cifar, "cifar100"),
}
