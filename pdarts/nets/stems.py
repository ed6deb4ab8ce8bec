"""The first layers, which map images to the two inputs of the first cell."""

from collections.abc import Callable

from torch import Tensor, nn

from pdarts.nets.node import Branch, NodeValue, node_sum
from pdarts.nets.operations import BatchNorm, ConvLayers


class CifarStem(nn.Module):
    """One 3x3 convolution to three times the channels; both inputs are its output."""

    reduces = False

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = (3 * channels, 3 * channels)
        self.layers = ConvLayers(
            nn.Conv2d(3, 3 * channels, 3, padding=1, bias=False), BatchNorm(3 * channels, affine=True)
        )

    def forward(self, images: Tensor) -> tuple[NodeValue, NodeValue]:
        """Map images, shape (N, 3, H, W), to twice the same feature maps, shape (N, 3 * channels, H, W)."""
        node = node_sum([Branch(self.layers, NodeValue(images))])
        return node, node


class ImageNetStem(nn.Module):
    """Three 3x3 convolutions of stride 2; the inputs are the outputs of the second and of the third."""

    reduces = True

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = (channels, channels)
        self.first = ConvLayers(
            nn.Conv2d(3, channels // 2, 3, stride=2, padding=1, bias=False),
            BatchNorm(channels // 2, affine=True),
            nn.ReLU(),
            nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1, bias=False),
            BatchNorm(channels, affine=True),
        )
        self.second = ConvLayers(
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False),
            BatchNorm(channels, affine=True),
        )

    def forward(self, images: Tensor) -> tuple[NodeValue, NodeValue]:
        """Map images, shape (N, 3, H, W), to shapes (N, channels, H / 4, W / 4) and (N, channels, H / 8, W / 8)."""
        quarter = node_sum([Branch(self.first, NodeValue(images))])
        return quarter, node_sum([Branch(self.second, quarter)])


def wide_imagenet_stem(channels: int) -> ImageNetStem:
    """Build the stem of a supernet for photographs, three times as wide as the first cells."""
    return ImageNetStem(3 * channels)


STEMS: dict[str, Callable[[int], CifarStem | ImageNetStem]] = {"cifar": CifarStem, "imagenet": ImageNetStem}
"""Stems of evaluation networks by name, built from the channels of the first cells."""

SEARCH_STEMS: dict[str, Callable[[int], CifarStem | ImageNetStem]] = {
    "cifar": CifarStem,
    "imagenet": wide_imagenet_stem,
}
"""Stems of supernets by name, built likewise."""
