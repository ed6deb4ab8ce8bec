"""A node's sum of parts, forward and backward. All tensors but units' weights lie as `kernels.cpp` reads them."""

import ctypes
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pdarts.nets.backends.cpu import library
from pdarts.nets.backends.cpu.library import Shape, call, pointer, regular, shape
from pdarts.nets.backends.form import Part, Unit, differentiable


class _Layer(NamedTuple):
    """Tensors of a unit for the backward pass; a part without units has one layer, which holds a product alone."""

    product: Tensor
    """The input of BatchNorm."""
    norm: Tensor | None = None
    """BatchNorm's constants for each channel, shape (4, channels): mean, 1 / deviation, factor, shift."""
    dense: Tensor | None = None
    """Weight of the dense convolution, contiguous, like that of the depthwise one."""
    depthwise: Tensor | None = None


def added(parts: Sequence[Part], constants: tuple[float, float]) -> Tensor:
    """Compute the sum for autograd; `constants` are BatchNorm's momentum and epsilon."""
    indices, tensors = differentiable(parts)
    return _NodeSum.apply(parts, indices, constants, *tensors)


def evaluated(parts: Sequence[Part], constants: tuple[float, float]) -> Tensor:
    """Compute the sum by running statistics, without gradients; the last convolution of a part adds it to the sum."""
    out = _behind(parts[0].x, *parts[0].units)
    for number, part in enumerate(parts):
        layers, shapes = _forward(part, constants, out, number > 0)
        if layers[-1].product is not out:
            _combine(part, layers[-1], shapes[-1], out, number > 0)
    return out


class _NodeSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, parts: Sequence[Part], indices: list[int], constants: Any, *tensors: Any) -> Tensor:
        ctx.inputs, ctx.layout = max(indices) + 1, []
        saved = list(tensors[: ctx.inputs])
        out = _behind(parts[0].x, *parts[0].units)
        for number, (part, index) in enumerate(zip(parts, indices, strict=True)):
            layers, shapes = _forward(part, constants)
            _combine(part, layers[-1], shapes[-1], out, number > 0)
            saved += [layer.product for layer in layers]
            ctx.layout.append((index, shapes, *part[1:], [layer[1:] for layer in layers]))
        # Feature maps alone: what is small takes autograd's bookkeeping, and recomputation's, longer than kernels.
        ctx.save_for_backward(*saved)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        gradient = regular(gradient)
        saved, wanted = iter(ctx.saved_tensors), iter(ctx.needs_input_grad[3:])
        inputs, onward = list(islice(saved, ctx.inputs)), list(islice(wanted, ctx.inputs))
        gradients: list[Tensor | None] = [None] * ctx.inputs
        others: list[Tensor | None] = []
        for index, shapes, units, scale, kept, small in ctx.layout:
            wanted_scale = next(wanted)
            layers = [_Layer(next(saved), *each) for each in small]
            of_units = [list(islice(wanted, 4)) for _ in units]
            behind, target = gradient, None
            for number in reversed(range(len(layers))):
                layer, last = layers[number], number == len(layers) - 1
                before = layers[number - 1] if number else _Layer(inputs[index])
                sums = gradient.new_empty(4 * layer.product.shape[1] + 1)
                structure = _part(layer, scale if last else None, kept if last else None, sums)
                outer = ctypes.byref(structure), behind.data_ptr(), behind.stride(0)
                _call("sums", gradient, shapes[number], *outer)
                if last:
                    others.append(sums[-1] if wanted_scale else None)
                target = None if number else gradients[index]
                add = target is not None
                if target is None and (number or onward[index]):
                    target = gradient.new_empty(before.product.shape)
                dense = depthwise = None
                if of_units:
                    of_units[number] = _room(layer, sums, *of_units[number])
                    *_, dense, depthwise = of_units[number]
                if any(tensor is not None for tensor in (target, dense, depthwise)):
                    tensors = before.product, before.norm, layer.depthwise, layer.dense, target
                    results = *map(pointer, tensors), add, *map(pointer, (depthwise, dense))
                    _call("backward", gradient, shapes[number], *outer, *results)
                if target is not None:
                    behind = target
            gradients[index] = target
            for unit, (weight, bias, dense, depthwise) in zip(units, of_units, strict=True):
                others += weight, bias, _laid_out(dense, unit.dense), _laid_out(depthwise, unit.depthwise)
        return None, None, None, *gradients, *others


def _room(layer: _Layer, sums: Tensor, *wanted: bool) -> list[Tensor | None]:
    """Allocate gradients of a unit's parameters that are wanted; those of convolutions are computed later."""
    channels = layer.product.shape[1]
    of_norm = sums[:channels], sums[channels : 2 * channels]
    of_convolutions = (None if tensor is None else torch.empty_like(tensor) for tensor in layer[2:])
    return [tensor if wish else None for tensor, wish in zip((*of_norm, *of_convolutions), wanted, strict=True)]


def _laid_out(gradient: Tensor | None, weight: Tensor | None) -> Tensor | None:
    """Return a contiguous gradient in the memory layout of its weight."""
    if gradient is None or weight is None or weight.is_contiguous():
        return gradient
    return torch.empty_like(weight).copy_(gradient)


def _forward(
    part: Part, constants: tuple[float, float], out: Tensor | None = None, add: bool = False
) -> tuple[list[_Layer], list[Shape]]:
    """Compute a part's layers and their shapes; `out`, if given, gets the normalized result of the last convolution."""
    if not part.units:
        return [_Layer(part.x)], [_shape(part.x, constants)]
    layers = [_Layer(part.x)]
    shapes = []
    for unit in part.units:
        value, norm_in, *_ = layers[-1]
        last = unit is part.units[-1]
        product = value
        if unit.dense is not None:
            product = out if last and out is not None and part.kept is None else _behind(value, unit)
        norm_out = value.new_empty(4, product.shape[1])
        indices = (None, out) if product is out else (product, None)
        weight, bias, dense, depthwise = map(_contiguous, (unit.weight, unit.bias, unit.dense, unit.depthwise))
        arguments = value, norm_in, depthwise, dense, weight, bias, part.scale if last else None
        results = unit.running_mean, unit.running_var, indices[0], norm_out, indices[1]
        shapes.append(_shape(value, constants, unit))
        _call("forward", value, shapes[-1], *map(pointer, (*arguments, *results)), product.stride(0), add)
        layers.append(_Layer(product, norm_out, dense, depthwise))
    return layers[1:], shapes


def _combine(part: Part, layer: _Layer, shape: Shape, out: Tensor, add: bool) -> None:
    structure = _part(layer, part.scale, part.kept)
    _call("combine", out, shape, ctypes.byref(structure), out.data_ptr(), out.stride(0), add)


def _behind(value: Tensor, *units: Unit) -> Tensor:
    """Allocate the output of units for an input `value`."""
    number, channels, height, width = value.shape
    for unit in units:
        channels, height, width = unit.behind(channels, height, width)
    return value.new_empty(number, channels, height, width)


def _part(layer: _Layer, scale: Tensor | None, kept: Tensor | None, sums: Tensor | None = None) -> library.Part:
    """Describe a part for the kernels; `sums` fills its `sums`, 4 * channels + 1 values, which `backward` reads."""
    product = layer.product
    pointers = map(pointer, (layer.norm, scale, kept, sums))
    return library.Part(product.data_ptr(), product.stride(0), product.shape[2] * product.shape[3], *pointers)


def _contiguous(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.contiguous()


def _shape(x: Tensor, constants: tuple[float, float], unit: Unit | None = None) -> Shape:
    """Describe the sizes of a unit with input `x`, or of a part without units."""
    number, channels_in, height, width = x.shape
    channels, size, stride, dilation, full, rectified = channels_in, 0, 1, 1, False, True
    if unit is not None and unit.dense is not None:
        channels, stride, dilation, rectified = len(unit.dense), unit.stride, unit.dilation, unit.rectified
        full = unit.dense.shape[-1] > 1
        size = unit.dense.shape[-1] if full else 0 if unit.depthwise is None else unit.depthwise.shape[-1]
    training = unit is not None and unit.training
    sizes = number, channels_in, channels, height, width, size, stride, dilation
    return shape(*sizes, full, rectified, training, torch.get_num_threads(), x.stride(0), *constants)


def _call(name: str, x: Tensor, shape: Shape, *arguments: Any) -> None:
    call(name, x.dtype, ctypes.byref(shape), *arguments)
