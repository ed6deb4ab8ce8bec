"""Random changes of training images, in a search and in a recipe."""

from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from pdarts.errors import InputError
from pdarts.settings.base import NonNegative, Settings
from pdarts.settings.datasets import AnyDataset, ImageFolder


class Augmentation(Settings):
    """Random changes of training images in memory, drawn anew for each image of a batch."""

    crop_padding: Annotated[int, Field(ge=0)]
    """Pixels of black added on every side before a random crop of the old size; 0 leaves images where they are."""
    flip: bool
    """Mirror half of the images horizontally."""
    cutout: Annotated[int, Field(ge=0)]
    """Side in pixels of a square that is blanked at a random position; 0 for none."""


class StreamedAugmentation(Settings):
    """Random changes of training images of an image folder, drawn anew for each image."""

    resized_crop: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]]
    """Smallest and largest fraction of an image's area to crop, 3:4 to 4:3 wide, and resize to the image size."""
    flip: bool
    """Mirror half of the images horizontally."""
    color_jitter: tuple[NonNegative, NonNegative, NonNegative, Annotated[float, Field(ge=0, le=0.5)]]
    """Largest relative change of brightness, contrast and saturation; largest shift of hue in turns, at most 0.5."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        smallest, largest = self.resized_crop
        if smallest > largest:
            raise ValueError(f"resized_crop is {list(self.resized_crop)}; allowed: the smaller share first")
        return self


def _form_of_augmentation(value: Any) -> str:
    keys = set(value) if isinstance(value, dict) else set()
    streamed = isinstance(value, StreamedAugmentation) or keys & {"resized_crop", "color_jitter"}
    return "<StreamedAugmentation>" if streamed else "<Augmentation>"


AnyAugmentation = Annotated[
    Annotated[Augmentation, Tag("<Augmentation>")] | Annotated[StreamedAugmentation, Tag("<StreamedAugmentation>")],
    Discriminator(_form_of_augmentation),
]


def check_augmentation(dataset: AnyDataset, augmentation: Augmentation | StreamedAugmentation) -> None:
    """Refuse augmentation that does not suit this kind of dataset.

    Raises:
        InputError: naming the keys to write instead.
    """
    streamed = isinstance(dataset, ImageFolder)
    if streamed != isinstance(augmentation, StreamedAugmentation):
        kind, keys = ("in a folder", "resized_crop, flip, color_jitter")
        if not streamed:
            kind, keys = ("in memory", "crop_padding, flip, cutout")
        raise InputError(
            f"augmentation has {', '.join(type(augmentation).model_fields)}, but the dataset's images are {kind}; "
            f"allowed: {keys}"
        )
