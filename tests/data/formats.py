"""Small data sets of random pixels in the exact formats of the real ones.

`accept_cifar` and `accept_fashion_mnist` replace the checksums of the real files by those of the files in a folder;
nothing else of the package or of torchvision is changed.
"""

import gzip
import hashlib
import struct
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.datasets import CIFAR10

from pdarts.data import fashion_mnist, formats
from pdarts.data.split import Split
from tests.data.sources import Images

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR100_CLASSES = tuple(f"fine {number:02d}" for number in range(100))


def write_cifar10(root: Path, batch: int = 20, test: int = 15, classes: tuple[str, ...] = CIFAR10_CLASSES) -> Images:
    """Write the files of CIFAR-10 with `batch` images in each of its five training files; what they hold."""
    images = Images(_split(5 * batch, 10, 0), _split(test, 10, 1), classes)
    return _write(root, images, formats.cifar10(*_parts(images), classes))


def write_cifar100(root: Path, train: int = 300, test: int = 100) -> Images:
    """Write the files of CIFAR-100; what they hold."""
    images = Images(_split(train, 100, 2), _split(test, 100, 3), CIFAR100_CLASSES)
    coarse = [f"coarse {number:02d}" for number in range(20)]
    return _write(root, images, formats.cifar100(*_parts(images), CIFAR100_CLASSES, coarse))


def write_fashion_mnist(folder: Path, train: int = 60, test: int = 20, compress: bool = True) -> dict[str, Tensor]:
    """Write the four files of Fashion-MNIST, compressed or not; the tensors in them by file name without `.gz`."""
    written = {}
    for number, (part, count) in enumerate((("train", train), ("t10k", test))):
        generator = torch.Generator().manual_seed(10 + number)
        images = torch.randint(256, (count, 28, 28), dtype=torch.uint8, generator=generator)
        labels = torch.randint(10, (count,), dtype=torch.uint8, generator=generator)
        written |= {f"{part}-images-idx3-ubyte": images, f"{part}-labels-idx1-ubyte": labels}
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in written.items():
        content = struct.pack(f">4B{values.dim()}I", 0, 0, 8, values.dim(), *values.shape) + values.numpy().tobytes()
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return written


def accept_cifar(monkeypatch: pytest.MonkeyPatch, kind: type[CIFAR10], root: Path) -> None:
    """Make torchvision's checksums those of the files of `kind` (CIFAR10 or CIFAR100) below `root`."""

    def md5(name: str) -> str:
        return hashlib.md5((root / kind.base_folder / name).read_bytes()).hexdigest()

    monkeypatch.setattr(kind, "train_list", [[name, md5(name)] for name, _ in kind.train_list])
    monkeypatch.setattr(kind, "test_list", [[name, md5(name)] for name, _ in kind.test_list])
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": md5(kind.meta["filename"])})


def accept_fashion_mnist(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make the package's checksums those of the four files, compressed or not, in `folder`."""
    for name in list(fashion_mnist.SHA256):
        plain = folder / name
        content = plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
        monkeypatch.setitem(fashion_mnist.SHA256, name, hashlib.sha256(content).hexdigest())


def _split(count: int, classes: int, seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return Split(images, torch.randint(classes, (count,), generator=generator))


def _parts(images: Images) -> tuple[formats.Labelled, formats.Labelled]:
    return (images.train.images, images.train.labels), (images.test.images, images.test.labels)


def _write(root: Path, images: Images, files: dict[str, bytes]) -> Images:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return images
