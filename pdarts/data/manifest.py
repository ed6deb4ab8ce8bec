"""Describes the images of a dataset in the file `results/data/{dataset}.json`, its manifest.

Later steps compare the images that they load with it. The folder of the images is not part of it.
"""

import hashlib
import json
from pathlib import Path

import torch

from pdarts.checking import parse
from pdarts.data.catalog import SOURCES
from pdarts.data.layout import listed
from pdarts.data.split import Split, SplitName
from pdarts.errors import InputError, warn
from pdarts.settings.base import Positive, Settings
from pdarts.settings.datasets import Dataset, ImageFolder, is_image_folder


class SplitManifest(Settings):
    """Counts and digest of the images of one split."""

    images: Positive
    """Number of images."""
    per_class: dict[str, int]
    """Number of images of each class, in the order of `classes`."""
    digest: str
    """SHA-256 of the pixels (uint8; N, C, H, W) followed by the labels (int64). For an image folder, SHA-256 of its
    index, which holds paths, labels, sizes and the SHA-256 of every file."""


class Splits(Settings):
    """Both splits."""

    train: SplitManifest
    test: SplitManifest


class Manifest(Dataset):
    """The settings of a dataset in memory, and a description of its images."""

    classes: tuple[str, ...]
    """Names of the classes, in the order of their labels."""
    image_size: Positive
    """Height and width in pixels."""
    splits: Splits
    """The training and the test images."""


class FolderManifest(ImageFolder):
    """The settings of an image folder, and a description of its images."""

    classes: tuple[str, ...]
    """Names of the classes' folders, in the order of their labels."""
    splits: Splits
    """The training and the test images."""


AnyManifest = Manifest | FolderManifest


def describe(dataset: Dataset, root: Path, download: bool) -> Manifest:
    """Load a dataset's images and describe them.

    Args:
        dataset: its settings.
        root: folder of the source's files.
        download: fetch missing files where the source allows it.

    Raises:
        InputError: if files are missing or wrong, or if there are too few training images.
    """
    train, classes = _selected(dataset, "train", root, download)
    test, _ = _selected(dataset, "test", root, download)
    return Manifest(
        **dataset.model_dump(),
        classes=classes,
        image_size=train.images.shape[-1],
        splits=Splits(train=_describe(train, classes), test=_describe(test, classes)),
    )


def check_classes(manifest: AnyManifest) -> None:
    """Warn of classes without images in a split.

    Raises:
        InputError: if fewer than two classes have training images.
    """
    for split in ("train", "test"):
        described: SplitManifest = getattr(manifest.splits, split)
        absent = [name for name, images in described.per_class.items() if images == 0]
        limited = f" (train_images is {manifest.train_images})" if split == "train" and manifest.train_images else ""
        present = f"{len(manifest.classes) - len(absent)} of {len(manifest.classes)}"
        found = f"{manifest.folder}: classes with {split} images: {present}{limited}"
        if split == "train" and len(absent) > len(manifest.classes) - 2:
            raise InputError(
                f"{found}; a network tells at least two classes apart"
                + ("; allowed: more images, or null for all" if limited else "")
            )
        if absent:
            warn(f"{found}; without any: {listed(absent)}")


def images_of(manifest: Manifest, name: SplitName, root: Path) -> Split:
    """Load the images of a split that a manifest describes; files of the other split are not read.

    Raises:
        InputError: if files are missing or wrong, or if the images differ from the manifest.
    """
    split, classes = _selected(manifest, name, root, download=False)
    found, expected = _describe(split, classes), getattr(manifest.splits, name)
    if found != expected:
        raise InputError(
            f"{manifest.source}: the {name} images in {root} are not those of the manifest "
            f"({found.images:,} images with digest {found.digest} instead of {expected.images:,} with "
            f"{expected.digest}); run pdarts.prepare again, and what was made of the old images after it"
        )
    return split


def read(path: Path) -> AnyManifest:
    """Read a manifest.

    Raises:
        InputError: if the file is missing, cut off or not a manifest.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: this manifest does not exist; pdarts.prepare makes it") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a manifest, since it is not whole JSON ({error}); run pdarts.prepare") from error
    if is_image_folder(values):
        return parse(FolderManifest, values, str(path))
    return parse(Manifest, values, str(path))


def _selected(dataset: Dataset, name: SplitName, root: Path, download: bool) -> tuple[Split, tuple[str, ...]]:
    split, classes = SOURCES[dataset.source].load(name, root, download)
    available = len(split)
    wanted = (dataset.train_images if name == "train" else None) or available
    if wanted > available:
        raise InputError(
            f"train_images is {wanted}, but {dataset.source} has {available} training images; "
            f"allowed: 1 to {available}, or null for all"
        )
    return split.part(0, wanted), classes


def _describe(split: Split, classes: tuple[str, ...]) -> SplitManifest:
    digest = hashlib.sha256(split.images.contiguous().numpy().data)
    digest.update(split.labels.contiguous().numpy().data)
    counts = torch.bincount(split.labels, minlength=len(classes)).tolist()
    return SplitManifest(
        images=len(split), per_class=dict(zip(classes, counts, strict=True)), digest=digest.hexdigest()
    )
