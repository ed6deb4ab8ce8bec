"""Image folders for tests: real JPEG files of the digits that come with the package, enlarged and coloured."""

from pathlib import Path

from pdarts.data.formats import JPEG_SIZES, Labelled, write_image_folder
from pdarts.data.split import Split
from pdarts.data.stand_ins import DIGITS, painted
from pdarts.settings.augmentation import StreamedAugmentation
from pdarts.settings.datasets import ImageFolder
from tests.data.sources import load

CHANGES = StreamedAugmentation(resized_crop=(0.08, 1.0), flip=True, color_jitter=(0.4, 0.4, 0.4, 0.2))
"""Of training images, all kinds at once."""


def image_folder(image_size: int = 224, train_images: int | None = None, in_memory: bool = False) -> ImageFolder:
    """Settings of the dataset that `write_folder` writes."""
    return ImageFolder(
        source="image_folder",
        folder="photos",
        image_size=image_size,
        in_memory=in_memory,
        train_images=train_images,
        mean=(0.5, 0.4, 0.3),
        std=(0.4, 0.4, 0.4),
    )


def write_folder(root: Path, train: int = 20, val: int = 8, classes: int = 4, scale: float = 1.0) -> None:
    """Write `train` and `val` images of `classes` digits below `root`; `scale` 1 makes them about 250 pixels large."""
    digits = load("digits", root, download=False)
    parts = _drawn(digits.train, train, classes), _drawn(digits.test, val, classes)
    sizes = [(round(scale * height), round(scale * width)) for height, width in JPEG_SIZES]
    write_image_folder(root, *parts, DIGITS, sizes)


def _drawn(split: Split, count: int, classes: int) -> Labelled:
    """Coloured images of each class by turns."""
    indices = [int((split.labels == n % classes).nonzero()[n // classes]) for n in range(count)]
    return painted((split.images[indices], split.labels[indices]))
