"""What a backend is handed of a node, and what it offers: one form for all of them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pdarts.nets.operations import BatchNorm, ConvLayers, ConvUnit, ConvUnits, FactorizedReduction, Node, Pool


class Unit(NamedTuple):
    """ReLU, depthwise convolution, dense convolution, BatchNorm; without convolutions only BatchNorm.

    A dense convolution of size 1 that strides without a depthwise one is a factorized reduction: half of its channels
    see even rows and columns, the other half odd ones.
    """

    weight: Tensor | None
    """Of BatchNorm, shape (channels,), as its bias and running statistics."""
    bias: Tensor | None
    dense: Tensor | None
    """Shape (channels, C, size, size); size 1 behind a depthwise convolution."""
    running_mean: Tensor
    running_var: Tensor
    depthwise: Tensor | None = None
    """Shape (C, 1, size, size)."""
    stride: int = 1
    dilation: int = 1
    rectified: bool = True
    """Whether it starts with ReLU, where it has a convolution."""


class Part(NamedTuple):
    """What is added to a sum."""

    x: Tensor
    """Shape (N, C, H, W)."""
    units: Sequence[Unit]
    """What it goes through, one behind the other."""
    scale: Tensor | None
    """A scalar that multiplies the result; then the last unit has neither weight nor bias."""
    kept: Tensor | None
    """A factor for each image, N values."""


class Backend(Protocol):
    """A module that computes what a node needs, forward and backward."""

    def suits(self, x: Tensor) -> bool:
        """Whether it computes on such a tensor."""

    def total(self, parts: Sequence[Part], training: bool, momentum: float, epsilon: float) -> Tensor:
        """The sum of all parts; moves running statistics in training."""

    def pool(self, x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
        """Maximum or mean of windows, which are padded to keep the size; padding is left out of the mean."""

    def dropout(self, x: Tensor, rate: float) -> Tensor:
        """Zero single values with probability `rate`, and scale the rest."""


def form(operation: Any, node: Node) -> tuple[Tensor, list[Unit]]:
    """A tensor, and the units that it goes through; the value of an operation that has no such form."""
    known = FORMS.get(type(operation).forward)
    return (operation(node), []) if known is None else known(operation, node)


def _pool(operation: Pool, node: Node) -> tuple[Tensor, list[Unit]]:
    pooled = node.pooled(operation.kind, operation.stride)
    return pooled, [] if operation.norm is None else [_unit(operation.norm)]


def _conv_units(operation: ConvUnits, node: Node) -> tuple[Tensor, list[Unit]]:
    children: Any = operation.children()
    return node.value, [_conv_unit(child) for child in children]


def _conv_unit(unit: ConvUnit) -> Unit:
    depthwise = None if unit.depthwise is None else unit.depthwise.weight
    return _unit(unit.norm, unit.pointwise.weight, depthwise=depthwise, stride=unit.stride, dilation=unit.dilation)


def _conv_layers(operation: ConvLayers, node: Node) -> tuple[Tensor, list[Unit]]:
    return node.value, list(_layers(operation))


def _layers(operation: ConvLayers) -> Iterator[Unit]:
    rectified = False
    for layer, norm in pairwise(operation):
        if isinstance(layer, nn.Conv2d) and isinstance(norm, BatchNorm):
            yield _unit(norm, layer.weight, stride=layer.stride[0], rectified=rectified)
        rectified = isinstance(layer, nn.ReLU)


def _factorized_reduction(operation: FactorizedReduction, node: Node) -> tuple[Tensor, list[Unit]]:
    height, width = node.value.shape[2:]
    if height % 2 or width % 2:
        return operation(node), []
    both = torch.cat([operation.first.weight, operation.second.weight])
    return node.value, [_unit(operation.norm, both, stride=2)]


def _unit(norm: BatchNorm, dense: Tensor | None = None, **others: Any) -> Unit:
    """A unit that ends with `norm`, from the convolutions in front of it; without any it does nothing else."""
    return Unit(norm.weight, norm.bias, dense, norm.running_mean, norm.running_var, **others)


FORMS: dict[Callable[..., Any], Callable[[Any, Node], tuple[Tensor, list[Unit]]]] = {
    Pool.forward: _pool,
    ConvUnits.forward: _conv_units,
    ConvLayers.forward: _conv_layers,
    FactorizedReduction.forward: _factorized_reduction,
}
"""By what operations compute: a class that writes a `forward` of its own has no form, and one that inherits it has."""
