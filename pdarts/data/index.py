"""Reads the index of an image folder, which lists every image that `pdarts.prepare` verified, in a fixed order.

Each split has a file, `FOLDER/index/train.jsonl` or `val.jsonl`, with a line per image. A line such as
`["cat/1.jpg", 0, 500, 375, 109123, "ba78…"]` gives its path below the split's folder, label, width and height in
pixels, size in bytes and SHA-256. Two sets of images are the same if the digests of their lines are equal.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import NamedTuple, Self

import torch
from torch import Tensor

from pdarts.data.manifest import FolderManifest, SplitManifest
from pdarts.data.tree import FOLDERS, index_file
from pdarts.errors import InputError

ADVICE = "restore it, or run pdarts.prepare again, and what was made of the old images after it"


class Entry(NamedTuple):
    """One line of the index."""

    path: str
    """Path below the folder of the split, such as `cat/1.jpg`."""
    label: int
    width: int
    height: int
    size: int
    """Size of the file in bytes."""
    sha256: str


@dataclass(frozen=True, eq=False)
class Index:
    """The images of a split, in a fixed order.

    The lines stay one block of bytes: a million Python objects would be copied into every process that decodes.
    """

    root: Path
    """Folder that the paths of the images start from."""
    lines: bytes
    ends: Tensor
    """Offset after each line in `lines`, in bytes, int64, shape (N,)."""

    @classmethod
    def of(cls, lines: bytes, root: Path) -> Self:
        """Make the index whose file holds `lines`, with images below `root`."""
        content = torch.frombuffer(bytearray(lines), dtype=torch.uint8) if lines else torch.empty(0, dtype=torch.uint8)
        return cls(root, lines, (content == ord("\n")).nonzero().flatten() + 1)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, number: int) -> Entry:
        start = int(self.ends[number - 1]) if number else 0
        return Entry(*json.loads(self.lines[start : int(self.ends[number])]))

    def __iter__(self) -> Iterator[Entry]:
        return (Entry(*json.loads(line)) for line in BytesIO(self.lines))

    def content(self, entry: Entry) -> bytes:
        """Read the file of an image.

        Raises:
            InputError: if it cannot be read, or is not the one that was verified.
        """
        path = self.root / entry.path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); {ADVICE}") from error
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise InputError(f"{path}: is not the file that was verified, but cut off or another one; {ADVICE}")
        return content

    def part(self, start: int, stop: int) -> Self:
        """The images from index `start` up to, not including, `stop`."""
        ends = self.ends[start:stop]
        if len(ends) == 0:
            return replace(self, lines=b"", ends=ends)
        first = int(self.ends[start - 1]) if start else 0
        return replace(self, lines=self.lines[first : int(ends[-1])], ends=ends - first)

    @cached_property
    def labels(self) -> Tensor:
        """Classes of the images, int64, shape (N,)."""
        return torch.tensor([entry.label for entry in self], dtype=torch.int64)

    def selected(self, indices: Tensor) -> Self:
        """The images at these indices, in this order."""
        starts = torch.cat([self.ends.new_zeros(1), self.ends[:-1]])
        bounds = zip(starts[indices].tolist(), self.ends[indices].tolist(), strict=True)
        return self.of(b"".join([self.lines[start:end] for start, end in bounds]), self.root)

    def describe(self, classes: tuple[str, ...]) -> SplitManifest:
        """Count the images of each class, and compute the digest."""
        counts = Counter(entry.label for entry in self)
        per_class = {name: counts[label] for label, name in enumerate(classes)}
        return SplitManifest(images=len(self), per_class=per_class, digest=self.digest())

    def digest(self) -> str:
        """SHA-256 of the lines."""
        return hashlib.sha256(self.lines).hexdigest()


def read(manifest: FolderManifest, root: Path, split: str) -> Index:
    """Read the index of a split that a manifest describes; no image is decoded.

    Args:
        manifest: description of the images, from `pdarts.prepare`.
        root: the folder that has `train`, `val` and the index.
        split: `train` or `test`.

    Raises:
        InputError: if the index is missing or differs from the manifest.
    """
    path, expected = index_file(root, split), getattr(manifest.splits, split)
    try:
        lines = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            f"{manifest.folder}: {path} is not there; if the images lie elsewhere, set machine.data_roots."
            f"{manifest.folder} to the folder that has train, val and index, else run pdarts.prepare again"
        ) from error
    index = Index.of(lines, root / FOLDERS[split]).part(0, expected.images)
    if (found := index.digest()) != expected.digest:
        raise InputError(
            f"{manifest.folder}: the {split} images in {root} are not those of the manifest ({len(index):,} images "
            f"with digest {found} instead of {expected.images:,} with {expected.digest}); run pdarts.prepare again, "
            "and what was made of the old images after it"
        )
    return index
