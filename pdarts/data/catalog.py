"""Every data set that can be named as a source, as tensors in memory; each split is read without the other.

Adding a source is one function here, its entry in `SOURCES`, and its name in `pdarts.settings.datasets.Source`.
"""

import gzip
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor
from torch.nn import functional

from pdarts.data import stand_ins
from pdarts.data.files import PublicFiles
from pdarts.errors import InputError
from pdarts.settings.datasets import Source

DIGITS = Path(__file__).parent / "digits" / "digits.csv.gz"
DIGITS_SHA256 = "02633070f0eba52475fb2cfaedcf256826aa2b6c462429e2e6d0826619fc55c9"

FASHION_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""Of the uncompressed files: the same images are compressed differently in different places."""


SplitName = Literal["train", "test"]


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

    def chosen(self, numbers: Tensor) -> Self:
        """The images of these numbers, in this order; a copy."""
        return type(self)(self.images[numbers], self.labels[numbers])


@dataclass(frozen=True)
class Images:
    """A data set: what is trained on, what is tested on, and the names of the classes."""

    train: Split
    test: Split
    classes: tuple[str, ...]


def load(source: Source, root: Path, download: bool) -> Images:
    """All images of a source; arguments and errors as of `load_split`."""
    train, classes = load_split(source, "train", root, download)
    return Images(train, load_split(source, "test", root, download)[0], classes)


def load_split(source: Source, name: SplitName, root: Path, download: bool) -> tuple[Split, tuple[str, ...]]:
    """The images of one split, and the names of the classes; files of the other split need not be there.

    Args:
        source: which data set.
        name: which of its splits.
        root: folder of its files; without meaning for `digits`.
        download: fetch missing files where the source allows it.

    Raises:
        InputError: if a file is missing, cut off or another one, with what to do.
    """
    split, classes = SOURCES[source](name, root, download)
    present = int(split.labels.max()) + 1
    if present > len(classes):
        raise InputError(
            f"{source}: labels in {root} go up to class {present - 1}, but only {len(classes)} classes are named "
            "there; get the data set anew"
        )
    return split, classes


def _digits(name: SplitName, root: Path, download: bool) -> tuple[Split, tuple[str, ...]]:
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
    chosen = (place_in_class % 4 == 3) == (name == "test")
    return Split(images[chosen], labels[chosen]), tuple(str(digit) for digit in range(10))


def public_files(source: Source, root: Path) -> PublicFiles | None:
    """The files of a source that can be downloaded into `root`; None for one that is part of the package."""
    if source == "digits":
        return None
    return _fashion_mnist_files(root) if source == "fashion_mnist" else _cifar_files(source, root)[0]


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


def _fashion_mnist(name: SplitName, root: Path, download: bool) -> tuple[Split, tuple[str, ...]]:
    from torchvision.datasets import FashionMNIST

    files = _fashion_mnist_files(root)

    def read(file: str, path: Path) -> Tensor:
        content = path.read_bytes()
        if path.suffix == ".gz":
            try:
                content = gzip.decompress(content)
            except (EOFError, OSError, zlib.error) as error:
                raise files.unusable(path, f"gzip says {error}") from error
        files.verify(path, content, "sha256", FASHION_MNIST_SHA256[file])
        header = 4 * (1 + content[3])  # bytes: magic number, which ends in the number of dimensions, and their sizes
        return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=header)

    beginning = {"train": "train", "test": "t10k"}[name]
    wanted = [file for file in FASHION_MNIST_SHA256 if file.startswith(beginning)]
    grey, labels = (read(file, path) for file, path in files.paths(wanted, download).items())
    padded = functional.pad(grey.view(-1, 1, 28, 28), (2, 2, 2, 2))  # black, to 32 x 32
    return Split(padded.repeat(1, 3, 1, 1), labels.long()), tuple(FashionMNIST.classes)


def _cifar_files(source: Source, root: Path) -> tuple[PublicFiles, Any]:
    """The files of CIFAR or of what stands in for it, and the class of torchvision that reads them."""
    kind, page, fetch = _cifar_kind(source) if source in ("cifar10", "cifar100") else _stand_in_kind(source)
    places = {file: (f"{kind.base_folder}/{file}",) for file in _checksums(kind)}
    return PublicFiles(source=source, root=root, page=page, places=places, fetch=fetch), kind


def _cifar_kind(source: Source) -> tuple[Any, str, Callable[[Path], object]]:
    from torchvision.datasets import CIFAR10, CIFAR100

    kind = {"cifar10": CIFAR10, "cifar100": CIFAR100}[source]
    page = "https://www.cs.toronto.edu/~kriz/cifar.html (the python version)"
    return kind, page, lambda folder: kind(folder, download=True)


def _stand_in_kind(source: Source) -> tuple[Any, str, Callable[[Path], object]]:
    """Digits in CIFAR's files: what is downloaded elsewhere is written here, and read if it is still the same."""
    from torchvision.datasets import CIFAR10, CIFAR100

    real, files = {
        "cifar10_stand_in": (CIFAR10, stand_ins.cifar10_files),
        "cifar100_stand_in": (CIFAR100, stand_ins.cifar100_files),
    }[source]
    digits = load("digits", Path(), download=False)
    contents = files(*((split.images, split.labels) for split in (digits.train, digits.test)))
    md5 = {
        Path(path).name: hashlib.md5(content, usedforsecurity=False).hexdigest() for path, content in contents.items()
    }
    checksums = {
        "train_list": [[file, md5[file]] for file, _ in real.train_list],
        "test_list": [[file, md5[file]] for file, _ in real.test_list],
        "meta": real.meta | {"md5": md5[real.meta["filename"]]},
    }

    def write(folder: Path) -> None:
        for path, content in contents.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)

    return type(source, (real,), checksums), "pdarts.prepare, which writes it", write


def _checksums(kind: Any) -> dict[str, str]:
    return dict([*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])])


def _cifar(source: Source, name: SplitName, root: Path, download: bool) -> tuple[Split, tuple[str, ...]]:
    """Read CIFAR's files, or their stand-ins, once they are found right."""
    files, kind = _cifar_files(source, root)
    checksums = _checksums(kind)
    other = "test_list" if name == "train" else "train_list"
    unwanted = [file for file, _ in getattr(kind, other)]
    # The files are pickles: neither this package nor torchvision unpickles one before its checksum is found right.
    for file, path in files.paths([file for file in checksums if file not in unwanted], download).items():
        files.verify(path, path.read_bytes(), "md5", checksums[file])
    half = type(kind.__name__, (kind,), {other: []})  # torchvision asks for the files of both splits
    images = half(root, train=name == "train")
    pixels = torch.from_numpy(images.data).permute(0, 3, 1, 2).contiguous()  # data: (N, 32, 32, 3)
    return Split(pixels, torch.tensor(images.targets)), tuple(images.classes)


SOURCES: dict[Source, Callable[[SplitName, Path, bool], tuple[Split, tuple[str, ...]]]] = {
    "digits": _digits,
    "fashion_mnist": _fashion_mnist,
    "cifar10": partial(_cifar, "cifar10"),
    "cifar100": partial(_cifar, "cifar100"),
    "cifar10_stand_in": partial(_cifar, "cifar10_stand_in"),
    "cifar100_stand_in": partial(_cifar, "cifar100_stand_in"),
}
