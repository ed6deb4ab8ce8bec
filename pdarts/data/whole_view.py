"""Scales images of any size to that of a data set in memory."""

from collections.abc import Callable

from PIL.Image import Image
from torch import Tensor

View = Callable[[Image], Tensor]
"""Turns an image of any size into uint8 of shape (C, H, W), where H and W are always the same."""


def whole_view(image_size: int) -> View:
    """Make a view of the whole image: its shorter side becomes `image_size` pixels, and its centre is cut out.

    An image of this height and width stays as it is.
    """
    from torchvision.transforms import v2  # takes seconds to import, which readers need not wait for

    return v2.Compose([v2.Resize(image_size), v2.CenterCrop(image_size), v2.PILToTensor()])
