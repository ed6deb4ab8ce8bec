"""Reads Fashion-MNIST (Xiao et al. 2017, arXiv:1708.07747) from its four files, compressed or not."""

import gzip
import zlib
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor
from torch.nn import functional
from torchvision.datasets import FashionMNIST

from pdarts.data.files import PublicFiles
from pdarts.data.split import Split, SplitName
from pdarts.data.whole_view import whole_view

SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""Checksum of each file once it is uncompressed: different sites compress the same images differently."""


def files(root: Path) -> PublicFiles:
    """The four files, directly in `root` or as torchvision lays them out."""
    return PublicFiles(
        source="fashion_mnist",
        root=root,
        page="https://github.com/zalandoresearch/fashion-mnist",
        locations={
            name: tuple(f"{folder}{name}{ending}" for folder in ("", "FashionMNIST/raw/") for ending in ("", ".gz"))
            for name in SHA256
        },
        fetch=lambda folder: FashionMNIST(folder, download=True),
    )


def read(name: SplitName, root: Path, download: bool) -> tuple[Split, tuple[str, ...]]:
    """Read one split, padded from 28 to 32 pixels, and the names of the classes.

    Raises:
        InputError: if a file is missing, cut off or another one.
    """
    public = files(root)
    beginning = {"train": "train", "test": "t10k"}[name]
    wanted = [file for file in SHA256 if file.startswith(beginning)]
    grey, labels = (_values(public, file, path) for file, path in public.paths(wanted, download).items())
    return Split(_padded(grey.view(-1, 1, 28, 28)), labels.long()), tuple(FashionMNIST.classes)


def view(image: Image) -> Tensor:
    """Prepare an image as `read` does: grey of 28 x 28 pixels, padded; uint8, shape (3, 32, 32)."""
    return _padded(whole_view(28)(image.convert("L")))


def _padded(grey: Tensor) -> Tensor:
    """Pad with black from 28 to 32 pixels, and repeat grey for red, green and blue; shape (…, 1, 28, 28)."""
    padded = functional.pad(grey, (2, 2, 2, 2))
    return padded.repeat(*[1] * (grey.dim() - 3), 3, 1, 1)


def _values(public: PublicFiles, file: str, path: Path) -> Tensor:
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise public.unusable(path, f"gzip says {error}") from error
    public.verify(path, content, "sha256", SHA256[file])
    header = 4 * (1 + content[3])  # bytes: magic number, which ends in the number of dimensions, and their sizes
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=header)
