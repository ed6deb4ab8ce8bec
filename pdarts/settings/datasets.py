"""Where images come from."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from pdarts.checking import argument_values, parse
from pdarts.settings.base import Name, Positive, Rate, Settings

Source = Literal["digits", "fashion_mnist", "cifar10", "cifar100", "cifar10_stand_in", "cifar100_stand_in"]
IMAGE_SIZES: dict[Source, int] = {source: 16 if source == "digits" else 32 for source in get_args(Source)}
"""Height and width of each source's images in pixels."""
TRAIN_IMAGES: dict[Source, int] = {
    "digits": 1352,
    "fashion_mnist": 60_000,
    "cifar10": 50_000,
    "cifar100": 50_000,
    "cifar10_stand_in": 1352,
    "cifar100_stand_in": 1352,
}
"""How many training images each source has."""


class AnyDataset(Settings):
    """What all datasets have in common."""

    source: str
    """Which images."""
    train_images: Positive | None
    """Use only the first so many training images; null uses all."""
    mean: tuple[float, float, float]
    """Mean of each colour channel of the training images, on a scale from 0 to 1."""
    std: tuple[Rate, Rate, Rate]
    """Standard deviation of each colour channel of the training images, on a scale from 0 to 1."""


class Dataset(AnyDataset):
    """Images of a known data set, which fit in memory."""

    source: Source
    """Which images: `digits` is part of the package, a stand-in is digits in CIFAR's files, others lie on disk."""

    @property
    def place(self) -> str:
        """What `machine.data_roots` calls the folder of its files."""
        return self.source


class ImageFolder(AnyDataset):
    """Image files in a folder for each class, `train/CLASS/…` and `val/CLASS/…`, decoded whenever they are needed."""

    source: Literal["image_folder"]
    """Any image files: ImageNet, or one's own."""
    folder: Name
    """Name under `machine.data_roots` of the folder that has `train` and `val`."""
    image_size: Annotated[int, Field(ge=8, multiple_of=4)]
    """Height and width in pixels that every image is cropped to; a multiple of 4, since cells halve it twice."""

    @property
    def place(self) -> str:
        """What `machine.data_roots` calls the folder of its files."""
        return self.folder


def image_size(dataset: Dataset | ImageFolder) -> int:
    """Height and width in pixels of what a network sees."""
    return dataset.image_size if isinstance(dataset, ImageFolder) else IMAGE_SIZES[dataset.source]


def parse_dataset(text: str, where: str) -> Dataset | ImageFolder:
    """As `parse_argument`, for the settings of a dataset."""
    values = argument_values(text, where)
    return parse(ImageFolder, values, where) if is_image_folder(values) else parse(Dataset, values, where)


def is_image_folder(values: object) -> bool:
    """Whether plain values of a dataset are those of an `ImageFolder`."""
    return isinstance(values, dict) and values.get("source") == "image_folder"
