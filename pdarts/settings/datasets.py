"""Settings of datasets: a known source whose images fit in memory, or a folder of image files."""

from typing import Annotated, Literal

from pydantic import Field, GetPydanticSchema
from pydantic_core.core_schema import literal_schema

from pdarts.checking import argument_values, parse
from pdarts.data.catalog import SOURCES
from pdarts.settings.base import Name, Positive, Settings

SourceName = Annotated[str, GetPydanticSchema(lambda *_: literal_schema([*SOURCES]))]
"""Name of a known source: a key of `SOURCES`."""


Mean = Annotated[float, Field(ge=0, le=1)]
Deviation = Annotated[float, Field(ge=0.001, le=1)]


class AnyDataset(Settings):
    """Base of all datasets."""

    source: str
    """Name of the images' source."""
    train_images: Positive | None
    """Number of training images to use, from the first on; null uses all."""
    mean: tuple[Mean, Mean, Mean]
    """Mean of each colour channel of the training images, on a scale from 0 to 1."""
    std: tuple[Deviation, Deviation, Deviation]
    """Standard deviation of each colour channel of the training images, on a scale from 0 to 1."""


class Dataset(AnyDataset):
    """Images of a known data set, which fit in memory."""

    source: SourceName
    """Source of the images: `digits` is in the package, stand-ins are digits in CIFAR's files, others lie on disk."""

    @property
    def folder(self) -> str:
        """Name under `machine.data_roots` of the folder of its files."""
        return self.source

    @property
    def streamed(self) -> bool:
        """Whether images are decoded in every pass, by worker processes: they never are."""
        return False


class ImageFolder(AnyDataset):
    """Image files in a folder for each class, `train/CLASS/…` and `val/CLASS/…`."""

    source: Literal["image_folder"]
    """Image files on disk, such as those of ImageNet or your own."""
    folder: Name
    """Name under `machine.data_roots` of the folder that has `train` and `val`."""
    image_size: Annotated[int, Field(ge=8, le=4096, multiple_of=4)]
    """Height and width in pixels that every image is cropped to; a multiple of 4, since cells halve it twice."""
    in_memory: bool
    """Whether a step decodes images once and keeps them, like CIFAR's; else workers decode them in every pass."""

    @property
    def streamed(self) -> bool:
        """Whether images are decoded in every pass, by worker processes."""
        return not self.in_memory


def image_size(dataset: Dataset | ImageFolder) -> int:
    """Height and width in pixels of the images that a network is given."""
    return dataset.image_size if isinstance(dataset, ImageFolder) else SOURCES[dataset.source].image_size


def parse_dataset(text: str, where: str) -> Dataset | ImageFolder:
    """Read the settings of a dataset; arguments and errors are those of `parse_argument`."""
    values = argument_values(text, where)
    return parse(ImageFolder, values, where) if is_image_folder(values) else parse(Dataset, values, where)


def is_image_folder(values: object) -> bool:
    """Whether plain values of a dataset are those of an `ImageFolder`."""
    return isinstance(values, dict) and values.get("source") == "image_folder"
