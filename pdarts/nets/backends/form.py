"""The form in which all backends get a node, and the functions that they offer."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pdarts.nets.operations import (
    BatchNorm,
    ConvLayers,
    ConvUnit,
    ConvUnits,
    FactorizedReduction,
    Identity,
    Node,
    Pool,
)


class Unit(NamedTuple):
    """ReLU, depthwise convolution, dense convolution, BatchNorm; without convolutions only BatchNorm.

    Convolutions are padded to keep the size. A dense convolution of size 1 that strides without a depthwise one is a
    factorized reduction: half of its channels come from even rows and columns, the other half from odd ones.
    """

    weight: Tensor | None
    """Weight of BatchNorm, shape (channels,), like its bias and running statistics."""
    bias: Tensor | None
    running_mean: Tensor
    running_var: Tensor
    training: bool
    """Whether BatchNorm normalizes by the batch's statistics and updates the running ones."""
    dense: Tensor | None = None
    """Shape (channels, C, size, size); size 1 behind a depthwise convolution."""
    depthwise: Tensor | None = None
    """Shape (C, 1, size, size)."""
    stride: int = 1
    dilation: int = 1
    rectified: bool = True
    """Whether it starts with ReLU, where it has a convolution."""

    @property
    def tensors(self) -> tuple[Tensor | None, ...]:
        """All tensors of the unit."""
        return self.weight, self.bias, self.running_mean, self.running_var, self.dense, self.depthwise

    def behind(self, channels: int, height: int, width: int) -> tuple[int, int, int]:
        """Compute channels, height and width of the unit's output from those of its input."""
        channels = channels if self.dense is None else len(self.dense)
        return channels, -(-height // self.stride), -(-width // self.stride)


class Part(NamedTuple):
    """A term of a node's sum."""

    x: Tensor
    """Shape (N, C, H, W)."""
    units: Sequence[Unit]
    """The units that it passes, in this order."""
    scale: Tensor | None
    """A scalar that multiplies the result, in place of the last unit's weight."""
    kept: Tensor | None
    """A factor for each image, shape (N, 1, 1, 1)."""


def differentiable(parts: Sequence[Part]) -> tuple[list[int], list[Tensor | None]]:
    """List the tensors of parts that have gradients: their inputs, each once, then those of one part after the other.

    A part has its scale, then weight, bias, dense and depthwise weight of each unit; None where it has none. The
    indices say which input each part has.
    """
    inputs = {id(part.x): part.x for part in parts}
    indices = [list(inputs).index(id(part.x)) for part in parts]
    tensors: list[Tensor | None] = [*inputs.values()]
    for part in parts:
        tensors.append(part.scale)
        for unit in part.units:
            tensors += unit.weight, unit.bias, unit.dense, unit.depthwise
    return indices, tensors


class Backend(Protocol):
    """A module that computes nodes, forward and backward, and refuses tensors in a layout that it cannot read.

    Where feature maps are bfloat16, all other tensors are float32.
    """

    NAME: str
    """Name for provenance."""
    COMPARED: bool
    """Whether a run compares the backend with PyTorch on its first batch, since nobody tried it on every device."""

    def suits(self, x: Tensor) -> bool:
        """Tell whether the backend computes on feature maps like `x`; this is asked first."""

    def shape(self, part: Part) -> tuple[int, ...] | None:
        """Compute the shape of a part's term of the sum; None if the backend does not compute that part."""

    def node_sum(self, parts: Sequence[Part], momentum: float, epsilon: float) -> Tensor:
        """Sum at least one part, all of one type and `shape`; with BatchNorm's constants."""

    def pool(self, x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
        """Take the maximum or mean of windows, padded to keep the size; padding does not count in the mean."""

    def dropout(self, x: Tensor, rate: Tensor, seed: Tensor) -> Tensor:
        """Compute the same as `pdarts.nets.drop_path.dropped`, to the last bit."""


Form = tuple[Tensor, list[Unit]]
"""A form: a tensor, and the units that it passes."""


def form(operation: nn.Module, node: Node) -> Form | None:
    """Describe an operation on a node's value as a form; None if it has none."""
    known = FORMS.get(type(operation).forward)
    return None if known is None else known(operation, node)


def _identity(_: Identity, node: Node) -> Form:
    return node.value, []


def _pool(operation: Pool, node: Node) -> Form:
    pooled = node.pooled(operation.kind, operation.stride)
    return pooled, [] if operation.norm is None else [_unit(operation.norm)]


def _conv_units(operation: ConvUnits, node: Node) -> Form | None:
    children: list[Any] = list(operation.children())
    if any(type(child).forward is not ConvUnit.forward for child in children):
        return None
    return node.value, [_conv_unit(child) for child in children]


def _conv_unit(unit: ConvUnit) -> Unit:
    depthwise = None if unit.depthwise is None else unit.depthwise.weight
    return _unit(unit.norm, unit.pointwise.weight, depthwise=depthwise, stride=unit.stride, dilation=unit.dilation)


def _conv_layers(operation: ConvLayers, node: Node) -> Form | None:
    units, rectified, layers = [], False, iter(operation)
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            rectified = True
            continue
        norm = next(layers, None)
        if not (isinstance(layer, nn.Conv2d) and isinstance(norm, BatchNorm) and _keeps_size(layer)):
            return None
        dilation, stride = layer.dilation[0], layer.stride[0]
        units.append(_unit(norm, layer.weight, stride=stride, dilation=dilation, rectified=rectified))
        rectified = False
    return None if rectified else (node.value, units)


def _keeps_size(layer: nn.Conv2d) -> bool:
    """Tell whether a convolution is square and dense, and keeps the size apart from its stride."""
    size, stride, dilation = layer.kernel_size[0], layer.stride[0], layer.dilation[0]
    square = (layer.kernel_size, layer.stride, layer.dilation) == ((size, size), (stride, stride), (dilation, dilation))
    padding = dilation * (size - 1) // 2
    plain = layer.groups == 1 and layer.bias is None and layer.padding_mode == "zeros"
    return square and plain and size > 1 and layer.padding == (padding, padding)


def _factorized_reduction(operation: FactorizedReduction, node: Node) -> Form:
    both = torch.cat([operation.first.weight, operation.second.weight])
    return node.value, [_unit(operation.norm, both, stride=2)]


def _unit(norm: BatchNorm, dense: Tensor | None = None, **others: Any) -> Unit:
    """Build the unit that ends with `norm`, from the convolutions before it, if there are any."""
    return Unit(norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.training, dense, **others)


FORMS: dict[Callable[..., Any], Callable[[Any, Node], Form | None]] = {
    Identity.forward: _identity,
    Pool.forward: _pool,
    ConvUnits.forward: _conv_units,
    ConvLayers.forward: _conv_layers,
    FactorizedReduction.forward: _factorized_reduction,
}
"""Forms by the `forward` of an operation: a class that inherits it has the same form, and no other class has."""
