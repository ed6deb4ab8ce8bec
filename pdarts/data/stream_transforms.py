"""Changes of single images of any size, drawn from torch's global random numbers on the CPU.

They work on Pillow's images, in integers, so that no number of threads changes a bit of the result.
"""

from collections.abc import Callable

from PIL.Image import Image
from torch import Tensor

from pdarts.settings.augmentation import StreamedAugmentation

ImageTransform = Callable[[Image], Tensor]
"""From an image of any size to uint8 of shape (3, H, W)."""

SIDE_RATIOS = (3 / 4, 4 / 3)
"""Narrowest and widest random crop, width to height (Szegedy et al. 2015, arXiv:1409.4842)."""
RESIZED, CROPPED = 256, 224
"""In testing the shorter side is scaled to 256 pixels where 224 are cut out of the centre; in proportion elsewhere."""


def random_view(image_size: int, augmentation: StreamedAugmentation) -> ImageTransform:
    """A random crop that is scaled to `image_size` (in pixels), flipped and jittered in colour."""
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
    """The centre, `image_size` pixels wide and high, of the image scaled to somewhat more."""
    from torchvision.transforms import v2

    return v2.Compose([v2.Resize(round(image_size * RESIZED / CROPPED)), v2.CenterCrop(image_size), v2.PILToTensor()])
