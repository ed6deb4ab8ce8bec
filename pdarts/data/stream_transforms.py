"""Transforms single images of any size, with draws from torch's global generator on the CPU.

Transforms compute on Pillow's images, in integers, so that the number of threads changes no bit of the result.
"""

from collections.abc import Callable

from PIL.Image import Image
from torch import Tensor

from pdarts.settings.augmentation import StreamedAugmentation

ImageTransform = Callable[[Image], Tensor]
"""Turns an image of any size into uint8 of shape (3, H, W)."""

SIDE_RATIOS = (3 / 4, 4 / 3)
"""Smallest and largest ratio of width to height of a random crop (Szegedy et al. 2015, arXiv:1409.4842)."""
RESIZED, CROPPED = 256, 224
"""Pixels of the shorter side, and of the centre that is cut out of it in testing; other sizes keep the ratio."""


def random_view(image_size: int, augmentation: StreamedAugmentation) -> ImageTransform:
    """Make a transform that takes a random crop, scales it to `image_size` pixels, flips it and jitters its colours."""
    from torchvision.transforms import v2  # takes seconds to import, which images in memory need not wait for

    brightness, contrast, saturation, hue = augmentation.color_jitter
    return v2.Compose(
        [
            v2.RandomResizedCrop(image_size, augmentation.resized_crop, SIDE_RATIOS),
            v2.RandomHorizontalFlip(0.5 if augmentation.flip else 0.0),
            v2.ColorJitter(brightness, contrast, saturation, hue),
            v2.PILToTensor(),
        ]
    )


def centre_view(image_size: int) -> ImageTransform:
    """Make a transform that scales an image and cuts out its centre of `image_size` pixels, with the ratio above."""
    from torchvision.transforms import v2

    return v2.Compose([v2.Resize(scaled_size(image_size)), v2.CenterCrop(image_size), v2.PILToTensor()])


def scaled_size(image_size: int) -> int:
    """Compute the pixels that the shorter side of an image gets, before its centre of `image_size` is cut out."""
    return round(image_size * RESIZED / CROPPED)
