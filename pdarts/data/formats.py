"""Writes images in the formats of public data sets: CIFAR's files, exactly, and folders of JPEG files.

Tests and rehearsals use it; files of real data sets are never written.
"""

import pickle
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

Labelled = tuple[Tensor, Tensor]
"""Images (uint8; N, 3, H, W) and their classes (int64; N)."""

CIFAR10_FOLDER, CIFAR100_FOLDER = "cifar-10-batches-py", "cifar-100-python"
PARTS = 5
"""Number of files that hold CIFAR-10's training images."""

JPEG_SIZES = ((240, 260), (250, 230), (300, 240))
"""Heights and widths that JPEG images take by turns, since photographs differ in size."""


def cifar10(train: Labelled, test: Labelled, classes: Sequence[str]) -> dict[str, bytes]:
    """Contents of CIFAR-10's files (python version) by path, if its images of 32 x 32 pixels were these."""
    images, labels = (part.tensor_split(PARTS) for part in train)
    meta = {"num_cases_per_batch": len(labels[0]), "label_names": list(classes), "num_vis": 3072}
    contents: dict[str, object] = {
        **{
            f"data_batch_{number}": _batch((images[number - 1], labels[number - 1]), f"training batch {number} of 5")
            for number in range(1, PARTS + 1)
        },
        "test_batch": _batch(test, "testing batch 1 of 1"),
        "batches.meta": meta,
    }
    return _pickled(CIFAR10_FOLDER, contents)


def cifar100(
    train: Labelled, test: Labelled, classes: Sequence[str], coarse_classes: Sequence[str]
) -> dict[str, bytes]:
    """Contents of CIFAR-100's files by path; consecutive classes form a coarse one, which this package never reads."""
    contents: dict[str, object] = {
        "meta": {"fine_label_names": list(classes), "coarse_label_names": list(coarse_classes)}
    }
    for name, part, title in (("train", train, "training batch 1 of 1"), ("test", test, "testing batch 1 of 1")):
        coarse = part[1] * len(coarse_classes) // len(classes)
        contents[name] = _batch(part, title, "fine_labels") | {"coarse_labels": coarse.tolist()}
    return _pickled(CIFAR100_FOLDER, contents)


def write_image_folder(
    root: Path, train: Labelled, val: Labelled, classes: Sequence[str], sizes: Sequence[tuple[int, int]] = JPEG_SIZES
) -> None:
    """Write `root/train/CLASS/NUMBER.jpg` and `root/val/CLASS/NUMBER.jpg`, scaled to each of `sizes` by turns."""
    from torchvision.transforms.v2 import functional  # takes seconds to import, which readers need not wait for

    for folder, (images, labels) in (("train", train), ("val", val)):
        for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
            scaled = functional.resize(image, list(sizes[number % len(sizes)]))
            path = root / folder / classes[label] / f"{number:04}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            functional.to_pil_image(scaled).save(path, quality=90)


def _batch(part: Labelled, title: str, labels: str = "labels") -> dict[str, object]:
    # Rows of 3,072: all of red, row by row, then green, then blue.
    return {
        "batch_label": title,
        labels: part[1].tolist(),
        "data": part[0].flatten(1).numpy(),
        "filenames": [f"image_{number}.png" for number in range(len(part[1]))],
    }


def _pickled(folder: str, contents: dict[str, object]) -> dict[str, bytes]:
    return {f"{folder}/{name}": pickle.dumps(value, protocol=2) for name, value in contents.items()}
