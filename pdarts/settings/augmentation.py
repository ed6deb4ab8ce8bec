"""Random changes of training images, in a search and in a recipe."""

from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from pdarts.errors import InputError
from pdarts.settings.base import Settings
from pdarts.settings.datasets import Dataset, ImageFolder, image_size

Area = Annotated[float, Field(gt=0, le=1, examples=[0.08])]
Jitter = Annotated[float, Field(ge=0, le=2, examples=[0.4])]
Hue = Annotated[float, Field(ge=0, le=0.5, examples=[0.2])]


class Augmentation(Settings):
    """Random changes of training images in memory, drawn anew for each image of a batch."""

    crop_padding: Annotated[int, Field(ge=0, le=1000)]
    """Pixels of black added on every side before a random crop of the old size; 0 leaves images where they are."""
    flip: bool
    """Mirror half of the images horizontally."""
    cutout: Annotated[int, Field(ge=0, le=1000)]
    """Side in pixels of a square that is blanked at a random position; 0 for none."""


class StreamedAugmentation(Settings):
    """Random changes of training images that are decoded in every pass, drawn anew for each image."""

    resized_crop: tuple[Area, Area]
    """Smallest and largest fraction of an image's area to crop, 3:4 to 4:3 wide, and resize to the image size."""
    flip: bool
    """Mirror half of the images horizontally."""
    color_jitter: tuple[Jitter, Jitter, Jitter, Hue]
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


def check_augmentation(dataset: Dataset | ImageFolder, augmentation: Augmentation | StreamedAugmentation) -> None:
    """Refuse augmentation that does not suit this kind of dataset, or the size of its images.

    Raises:
        InputError: naming the keys to write instead.
    """
    if dataset.streamed != isinstance(augmentation, StreamedAugmentation):
        kind, keys = "in memory", "crop_padding, flip, cutout"
        if dataset.streamed:
            kind, keys = "in a folder", "resized_crop, flip, color_jitter (or in_memory: true of the dataset)"
        raise InputError(
            f"augmentation has {', '.join(type(augmentation).model_fields)}, but the dataset's images are {kind}; "
            f"allowed: {keys}"
        )
    if isinstance(augmentation, Augmentation):
        size = image_size(dataset)
        for key, pixels in (("crop_padding", augmentation.crop_padding), ("cutout", augmentation.cutout)):
            if pixels > size:
                raise InputError(f"augmentation.{key} is {pixels}; allowed: 0 to {size}, the size of the images")
