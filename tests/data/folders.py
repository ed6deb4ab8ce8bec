"""Image folders for tests: real JPEG files of the digits that come with the package, enlarged and coloured."""

from pathlib import Path

import torch
from torchvision.transforms.v2 import functional

from pdarts.data.catalog import load
from pdarts.settings import ImageFolder

SIZES = ((240, 260), (250, 230), (300, 240))
"""Heights and widths of the images, by turns."""


def image_folder(image_size: int = 224, train_images: int | None = None) -> ImageFolder:
    """Settings of the dataset that `write_folder` writes."""
    return ImageFolder(
        source="image_folder",
        folder="photos",
        image_size=image_size,
        train_images=train_images,
        mean=(0.5, 0.4, 0.3),
        std=(0.4, 0.4, 0.4),
    )


def write_folder(root: Path, train: int = 20, val: int = 8, classes: int = 4, scale: float = 1.0) -> None:
    """Write `train` and `val` images of `classes` digits below `root`; `scale` 1 makes them about 250 pixels large."""
    digits = load("digits", root, download=False)
    for folder, split, count in (("train", digits.train, train), ("val", digits.test, val)):
        for number in range(count):
            label = number % classes
            digit = split.images[split.labels == label][number // classes]
            height, width = (round(scale * length) for length in SIZES[number % len(SIZES)])
            ink = torch.tensor([255, 40 * label, 200 - 15 * number % 200])[:, None, None]
            coloured = (digit.int() * ink // 255).to(torch.uint8)
            picture = functional.to_pil_image(functional.resize(coloured, [height, width]))
            path = root / folder / f"digit {label}" / f"{number:04}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, quality=90)
