"""Operations on the edges of a cell, for the supernet and for evaluation networks alike.

In the supernet (`search=True`) no BatchNorm is affine, one follows every pooling, and the architecture weight of an
operation is folded in as the weight of its last BatchNorm: the same product in one pass less.

Source: Liu et al. 2019 (arXiv:1806.09055), section 3.1.1.
"""

from collections import ChainMap
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pdarts import extensions
from pdarts.errors import InputError

PoolKind = Literal["max", "avg"]
MOMENTUM = 0.1
EPSILON = 1e-5


class Node(Protocol):
    """The node that an edge leaves, as its operation sees it; `pdarts.nets.node.NodeValue` is one."""

    @property
    def value(self) -> Tensor:
        """Shape (N, C, H, W)."""

    @property
    def rectified(self) -> Tensor:
        """Compute ReLU of the value."""

    def pooled(self, kind: PoolKind, stride: int) -> Tensor:
        """Pool the value over 3x3 windows."""

    def normalized(self, kind: PoolKind, stride: int) -> tuple[Tensor, Tensor, Tensor]:
        """Pool over 3x3 windows and normalize by the batch; also return its mean and unbiased variance, shape (C,)."""


def precise(x: Tensor) -> torch.dtype:
    """Name the type for what multiplies feature maps `x` or sums them up: float32, or float64 like `x`."""
    return torch.promote_types(x.dtype, torch.float32)


def times(x: Tensor, factor: Tensor) -> Tensor:
    """Multiply feature maps by a factor of type `precise`, which is not rounded to their type, nor is its gradient."""
    return (x.to(precise(x)) * factor).to(x.dtype)


class BatchNorm(nn.Module):
    """Batch normalization with running statistics, to which a scale can be given from outside."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, affine: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        """Normalize `x`, shape (N, C, H, W); `scale`, a scalar tensor, multiplies all channels of the result."""
        # The backward pass on the CPU misreads a stride of 0, hence contiguous.
        weight = self.weight if scale is None else scale.expand(x.shape[1]).contiguous()
        return F.batch_norm(x, self.running_mean, self.running_var, weight, self.bias, self.training, MOMENTUM, EPSILON)


class Operation(nn.Module):
    """An operation on an edge: `forward(node, scale)` maps a node's value, times `scale` if it is given."""

    spared: ClassVar[bool] = False
    """Whether drop path spares it, because it hands on the node's value itself."""


class Identity(Operation):
    """`skip_connect` at stride 1."""

    spared = True

    def forward(self, node: Node, scale: Tensor | None = None) -> Tensor:
        """Return the node's value itself, times `scale`."""
        return node.value if scale is None else times(node.value, scale)


class Pool(Operation):
    """`max_pool_3x3` or `avg_pool_3x3`; padding does not count in the mean."""

    def __init__(self, kind: PoolKind, channels: int, stride: int, search: bool) -> None:
        super().__init__()
        self.kind: PoolKind = kind
        self.stride = stride
        self.norm = BatchNorm(channels, affine=False) if search else None

    def forward(self, node: Node, scale: Tensor | None = None) -> Tensor:
        """Pool the node's value; in the supernet, normalize and scale it."""
        if self.norm is None:
            return node.pooled(self.kind, self.stride)
        if not self.training:
            return self.norm(node.pooled(self.kind, self.stride), scale)
        normalized, mean, variance = node.normalized(self.kind, self.stride)
        self.norm.running_mean.lerp_(mean, MOMENTUM)
        self.norm.running_var.lerp_(variance, MOMENTUM)
        return normalized if scale is None else times(normalized, scale)


class ConvUnit(nn.Module):
    """ReLU, depthwise convolution if it has a size, pointwise convolution, BatchNorm."""

    def __init__(
        self, channels_in: int, channels: int, search: bool, size: int = 0, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.depthwise = None
        if size:
            padding = dilation * (size - 1) // 2
            self.depthwise = nn.Conv2d(
                channels_in, channels_in, size, stride, padding, dilation, groups=channels_in, bias=False
            )
        self.pointwise = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.norm = BatchNorm(channels, affine=not search)
        self.stride, self.dilation = stride, dilation

    def forward(self, rectified: Tensor, scale: Tensor | None = None) -> Tensor:
        """Apply everything but ReLU, from shape (N, C, H, W) to (N, channels, H / stride, W / stride)."""
        if self.depthwise is not None:
            rectified = self.depthwise(rectified)
        return self.norm(self.pointwise(rectified), scale)


class ConvUnits(Operation):
    """A sequence of units, which are the children of the module."""

    def forward(self, node: Node, scale: Tensor | None = None) -> Tensor:
        """Map shape (N, C, H, W) to (N, channels, H / stride, W / stride), times `scale`."""
        *inner, last = self.children()
        rectified = node.rectified
        for unit in inner:
            rectified = F.relu(unit(rectified))
        return last(rectified, scale)


class ConvLayers(nn.Sequential, Operation):
    """A sequence of 3x3 convolutions with their BatchNorms, and with ReLU between them."""

    def forward(self, node: Node, scale: Tensor | None = None) -> Tensor:
        """Map shape (N, C, H, W) to (N, channels, H / strides, W / strides); a scale is refused."""
        value = node.value
        for layer in self:
            value = layer(value)
        return value


class PointwiseConv(ConvUnits):
    """ReLU, 1x1 convolution, BatchNorm: brings a cell's input to the cell's channels."""

    def __init__(self, channels_in: int, channels: int, search: bool) -> None:
        super().__init__()
        self.unit = ConvUnit(channels_in, channels, search)


class SeparableConv(ConvUnits):
    """`sep_conv_KxK`: two units, of which only the first strides."""

    def __init__(self, size: int, channels: int, stride: int, search: bool) -> None:
        super().__init__()
        self.first = ConvUnit(channels, channels, search, size, stride)
        self.second = ConvUnit(channels, channels, search, size)


class DilatedConv(ConvUnits):
    """`dil_conv_KxK`: one unit of dilation 2."""

    def __init__(self, size: int, channels: int, stride: int, search: bool) -> None:
        super().__init__()
        self.unit = ConvUnit(channels, channels, search, size, stride, dilation=2)


class FactorizedConv(Operation):
    """`conv_7x1_1x7`: (1, 7) striding along the width, (7, 1) along the height, BatchNorm."""

    def __init__(self, channels: int, stride: int, search: bool) -> None:
        super().__init__()
        self.horizontal = nn.Conv2d(channels, channels, (1, 7), (1, stride), (0, 3), bias=False)
        self.vertical = nn.Conv2d(channels, channels, (7, 1), (stride, 1), (3, 0), bias=False)
        self.norm = BatchNorm(channels, affine=not search)

    def forward(self, node: Node, scale: Tensor | None = None) -> Tensor:
        """Apply both convolutions to the node's value."""
        return self.norm(self.vertical(self.horizontal(node.rectified)), scale)


class FactorizedReduction(Operation):
    """Halve height and width with two 1x1 convolutions of stride 2, the second shifted by one pixel.

    `skip_connect` at stride 2, and the preprocessing of a cell's first input after a reduction cell.
    """

    def __init__(self, channels_in: int, channels: int, search: bool) -> None:
        super().__init__()
        if channels % 2:
            raise InputError(f"{channels} channels cannot be halved for a factorized reduction; use an even number")
        self.first = nn.Conv2d(channels_in, channels // 2, 1, stride=2, bias=False)
        self.second = nn.Conv2d(channels_in, channels // 2, 1, stride=2, bias=False)
        self.norm = BatchNorm(channels, affine=not search)

    def forward(self, node: Node, scale: Tensor | None = None) -> Tensor:
        """Map shape (N, channels_in, H, W) to (N, channels, H / 2, W / 2).

        Raises:
            InputError: if height or width is odd.
        """
        height, width = node.value.shape[2:]
        if height % 2 or width % 2:
            raise InputError(
                f"a feature map of {height}x{width} pixels cannot be halved; use images whose size is a multiple "
                "of 4 (cifar stem) or 32 (imagenet stem)"
            )
        rectified = node.rectified
        return self.norm(torch.cat([self.first(rectified), self.second(rectified[:, :, 1:, 1:])], 1), scale)


def _skip(channels: int, stride: int, search: bool) -> Operation:
    return Identity() if stride == 1 else FactorizedReduction(channels, channels, search)


BUILDERS: ChainMap[str, Callable[[int, int, bool], Operation]] = ChainMap(
    {
        "max_pool_3x3": partial(Pool, "max"),
        "avg_pool_3x3": partial(Pool, "avg"),
        "skip_connect": _skip,
        "sep_conv_3x3": partial(SeparableConv, 3),
        "sep_conv_5x5": partial(SeparableConv, 5),
        "sep_conv_7x7": partial(SeparableConv, 7),
        "dil_conv_3x3": partial(DilatedConv, 3),
        "dil_conv_5x5": partial(DilatedConv, 5),
        "conv_7x1_1x7": FactorizedConv,
    },
    extensions.builders,
)
"""Builders by name, from (channels, stride, search) to a module; `none` has none, since it adds nothing."""
