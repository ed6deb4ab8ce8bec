"""Reads the UCI handwritten digits, which are part of the package.

`digits/README.md` says where they come from and how they are split.
"""

import gzip
import hashlib
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor

from pdarts.data.split import Split, SplitName
from pdarts.data.whole_view import whole_view
from pdarts.errors import InputError

FILE = Path(__file__).parent / "digits" / "digits.csv.gz"
SHA256 = "02633070f0eba52475fb2cfaedcf256826aa2b6c462429e2e6d0826619fc55c9"


def read(name: SplitName) -> tuple[Split, tuple[str, ...]]:
    """Read one split and the names of the ten classes.

    Raises:
        InputError: if the file is not the one that the package came with.
    """
    content = FILE.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise InputError(
            f"digits: {FILE} has sha256 {found} instead of {SHA256}; it is part of the package: "
            "restore it from the repository, or install the package again"
        )
    lines = gzip.decompress(content).decode("ascii").splitlines()
    table = torch.tensor([[int(value) for value in line.split(",")] for line in lines])  # (1797, 8 * 8 + 1)
    pixels, labels = table[:, :-1], table[:, -1]
    images = ((pixels * 255 + 8) // 16).to(torch.uint8).view(-1, 1, 8, 8)  # 0..16 to 0..255, rounded
    images = _enlarged(images)  # (1797, 3, 16, 16)
    index_in_class = torch.zeros_like(labels)
    for label in range(10):
        index_in_class[labels == label] = torch.arange(int((labels == label).sum()))
    selected = (index_in_class % 4 == 3) == (name == "test")
    return Split(images[selected], labels[selected]), tuple(str(digit) for digit in range(10))


def view(image: Image) -> Tensor:
    """Prepare an image as `read` does: grey of 8 x 8 pixels, each doubled; uint8, shape (3, 16, 16)."""
    return _enlarged(whole_view(8)(image.convert("L"))[None])[0]


def _enlarged(grey: Tensor) -> Tensor:
    """Double height and width, and repeat grey for red, green and blue; shape (N, 1, H, W)."""
    return grey.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3).repeat(1, 3, 1, 1)
