"""Reads CIFAR-10 and CIFAR-100 (Krizhevsky 2009), or digits that stand in for them in files of the same format."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torchvision.datasets import CIFAR10, CIFAR100

from pdarts.data import stand_ins, uci_digits
from pdarts.data.files import PublicFiles
from pdarts.data.split import Split, SplitName


def files(source: str, root: Path) -> PublicFiles:
    """The files of a source in CIFAR's format, below `root`."""
    return _files_and_kind(source, root)[0]


def read(source: str, name: SplitName, root: Path, download: bool) -> tuple[Split, tuple[str, ...]]:
    """Read one split and the names of the classes, once the checksums of its files are found right.

    Raises:
        InputError: if a file is missing, cut off or another one.
    """
    public, kind = _files_and_kind(source, root)
    checksums = _checksums(kind)
    other = "test_list" if name == "train" else "train_list"
    unwanted = [file for file, _ in getattr(kind, other)]
    # The files are pickles: neither this package nor torchvision unpickles one before its checksum is found right.
    for file, path in public.paths([file for file in checksums if file not in unwanted], download).items():
        public.verify(path, path.read_bytes(), "md5", checksums[file])
    half = type(kind.__name__, (kind,), {other: []})  # torchvision asks for the files of both splits
    images = half(root, train=name == "train")
    pixels = torch.from_numpy(images.data).permute(0, 3, 1, 2).contiguous()  # data: (N, 32, 32, 3)
    return Split(pixels, torch.tensor(images.targets)), tuple(images.classes)


def _files_and_kind(source: str, root: Path) -> tuple[PublicFiles, Any]:
    """The files of a source below `root`, and the class of torchvision that reads them."""
    kind, page, fetch = _stand_in(source) if source.endswith("_stand_in") else _real(source)
    locations = {file: (f"{kind.base_folder}/{file}",) for file in _checksums(kind)}
    return PublicFiles(source=source, root=root, page=page, locations=locations, fetch=fetch), kind


def _checksums(kind: Any) -> dict[str, str]:
    return dict([*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])])


def _real(source: str) -> tuple[Any, str, Callable[[Path], object]]:
    kind = {"cifar10": CIFAR10, "cifar100": CIFAR100}[source]
    page = "https://www.cs.toronto.edu/~kriz/cifar.html (the python version)"
    return kind, page, lambda folder: kind(folder, download=True)


def _stand_in(source: str) -> tuple[Any, str, Callable[[Path], object]]:
    """Digits in CIFAR's files: fetching writes them, and reading checks that they are still the same."""
    real, files_of = {
        "cifar10_stand_in": (CIFAR10, stand_ins.cifar10_files),
        "cifar100_stand_in": (CIFAR100, stand_ins.cifar100_files),
    }[source]
    train, test = uci_digits.read("train")[0], uci_digits.read("test")[0]
    contents = files_of((train.images, train.labels), (test.images, test.labels))
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
