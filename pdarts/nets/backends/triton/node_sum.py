"""A node's sum of parts, forward and backward, from feature maps with channels last."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pdarts.nets.backends.form import Part, Unit
from pdarts.nets.backends.triton import units
from pdarts.nets.backends.triton.launches import (
    apart,
    chunks,
    dense,
    even,
    feature_maps,
    grouped,
    launch,
    pixels,
    power,
    share,
    tile,
)
from pdarts.nets.backends.triton.through import Layer, Way, settle, through
from pdarts.nets.backends.triton.units import Shape


def added(parts: Sequence[Part], momentum: float, epsilon: float) -> Tensor:
    """Compute the sum of parts, all of one shape and type."""
    first = parts[0]
    if len(parts) == 1 and not first.units and first.scale is None and first.kept is None:
        return first.x
    parts = sorted(parts, key=lambda part: part.scale is None)  # so that scales have the numbers of their parts
    values = {id(part.x): even(part.x) for part in parts}
    parts = [
        part._replace(x=values[id(part.x)], kept=None if part.kept is None else part.kept.contiguous())
        for part in parts
    ]
    inputs = {id(part.x): part.x for part in parts}
    indices = [list(inputs).index(id(part.x)) for part in parts]
    others: list[Tensor | None] = []
    for part in parts:
        others.append(part.scale)
        for unit in part.units:
            others += unit.weight, unit.bias, unit.dense, unit.depthwise
    return _NodeSum.apply(parts, indices, (momentum, epsilon), *inputs.values(), *others)


class _NodeSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, parts: Sequence[Part], indices: list[int], constants: Any, *tensors: Any) -> Tensor:
        scales = [part.scale for part in parts if part.scale is not None]
        ctx.nothing = parts[0].x.new_empty(1, dtype=torch.float32)
        ctx.scales = torch.stack(scales) if scales else ctx.nothing
        ctx.scaled, ctx.inputs = len(scales), max(indices) + 1
        paths = _paths(parts, constants, ctx.nothing)
        ctx.layout = [
            (index, part.kept, [layer[2:] for layer in path])
            for index, part, path in zip(indices, parts, paths, strict=True)
        ]
        saved = [*tensors[: ctx.inputs], *(layer.value for path in paths for layer in path)]
        ctx.save_for_backward(*saved)
        return _combined(parts, [path[-1] for path in paths], ctx.scales, ctx.scaled, ctx.nothing)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        gradient = even(gradient)
        saved, wanted = iter(ctx.saved_tensors), iter(ctx.needs_input_grad[3:])
        inputs, onward = list(islice(saved, ctx.inputs)), list(islice(wanted, ctx.inputs))
        ways, wanted_scales = [], []
        for index, kept, small in ctx.layout:
            layers: list[Layer] = []
            for each in small:
                source = layers[-1].value if layers else inputs[index]
                layers.append(Layer(next(saved), source, *each))
            wanted_scales.append(next(wanted))
            of_units = [list(islice(wanted, 4)) for layer in layers if layer.unit is not None]
            ways.append(Way(index, layers, kept, of_units, onward[index], gradient))
        changes = settle(ways, ctx.scales, ctx.scaled, ctx.nothing)
        targets = through(ways, inputs, ctx.nothing)
        scales = changes[: ctx.scaled, 5].sum(1).unbind() if any(wanted_scales) else []
        others: list[Tensor | None] = []
        for number, (way, wanted_scale) in enumerate(zip(ways, wanted_scales, strict=True)):
            others.append(scales[number] if wanted_scale else None)
            for results in way.results:
                others += results
        return None, None, None, *targets, *others


def _paths(parts: Sequence[Part], constants: tuple[float, float], nothing: Tensor) -> list[list[Layer]]:
    """Compute the layers of each part."""
    paths: list[list[Layer]] = [[] if part.units else [Layer(part.x, part.x)] for part in parts]
    for level in range(max(len(part.units) for part in parts)):
        pairs = [(path, part) for path, part in zip(paths, parts, strict=True) if level < len(part.units)]
        for path, part in pairs:
            path.append(_layer(path[-1] if path else Layer(part.x, part.x), part.units[level]))
        _compute([path[-1] for path, _ in pairs], constants, nothing)
    return paths


def _layer(before: Layer, unit: Unit) -> Layer:
    """Allocate a unit's layer behind another one."""
    x, norm, shape, value = before.value, before.norm, None, before.value
    if unit.dense is not None:
        _, channels, height, width = x.shape
        out, height_out, width_out = unit.behind(channels, height, width)
        size = 1 if unit.depthwise is None else unit.depthwise.shape[-1]
        step = apart(x)
        assert step is not None
        shape = Shape(
            *(step, channels, height, width, out, height_out, width_out, size, unit.stride, unit.dilation),
            depthwise=unit.depthwise is not None,
            inner=norm is not None,
            P=tile(out),
            BC=power(channels, 16, 32),
            BO=power(out, 16, 64),
            precision="tf32x3" if x.dtype == torch.float32 else "tf32",
        )
        value = feature_maps(x, out, height_out, width_out)
    constants = x.new_empty(4, value.shape[1], dtype=torch.float32)
    return Layer(value, x, unit, constants, norm, shape)


def _compute(layers: Sequence[Layer], constants: tuple[float, float], nothing: Tensor) -> None:
    """Compute the values and constants of layers that depend on earlier ones alone; update running statistics."""
    moments = {}
    for layer in layers:
        _, channels, _, _ = layer.value.shape
        blocks = share(pixels(layer.value), tile(channels))
        if layer.unit.training:
            moments[id(layer)] = nothing.new_empty(blocks, 2, channels)
    for (shape, training), group in grouped(layers, lambda layer: (layer.shape, layer.unit.training)):
        value = group[0].value
        blocks = share(pixels(value), tile(value.shape[1]))
        if shape is not None:
            rows = [
                (
                    layer.source,
                    nothing if layer.norm_before is None else layer.norm_before,
                    nothing if layer.unit.depthwise is None else layer.unit.depthwise,
                    layer.unit.dense,
                    layer.value,
                    moments.get(id(layer), nothing),
                )
                for layer in group
            ]
            grid = blocks, share(shape.CO, shape.BO)
            launch(units.convolve, grid, rows, pixels(value), s=shape, MOMENTS=training)
        elif training:
            channels = value.shape[1]
            block = power(channels, 1, 32)
            rows = [(layer.value, moments[id(layer)]) for layer in group]
            grid = blocks, share(channels, block)
            launch(units.measure, grid, rows, pixels(value), C=channels, P=tile(channels), B=block)
    momentum, epsilon = constants
    for (number, channels), group in grouped(layers, lambda layer: (pixels(layer.value), layer.value.shape[1])):
        rows = [_norm_row(layer, moments.get(id(layer), nothing), nothing) for layer in group]
        block, size = power(channels, 1, 16), tile(channels)
        grid, sizes = (1, share(channels, block)), {"C": channels, "P": size, "B": block, "R": 4096 // block}
        launch(
            *(units.normalize, grid, rows, number, share(number, size)),
            **sizes, MOMENTUM=momentum, EPSILON=epsilon, num_warps=8,
        )  # fmt: skip


def _norm_row(layer: Layer, moments: Tensor, nothing: Tensor) -> tuple[Any, ...]:
    unit = layer.unit
    affine = (nothing, nothing) if unit.weight is None else (unit.weight, unit.bias)
    return moments, unit.running_mean, unit.running_var, *affine, layer.norm, unit.training, unit.weight is not None


def _combined(
    parts: Sequence[Part], layers: Sequence[Layer], scales: Tensor, scaled: int, nothing: Tensor
) -> Tensor:
    """Sum what the last layers of parts hold."""
    value = layers[0].value
    _, channels, height, width = value.shape
    out = feature_maps(value, channels, height, width)
    rows = [
        (
            dense(layer.value),
            nothing if layer.norm is None else layer.norm,
            nothing if part.kept is None else part.kept,
            layer.norm is not None,
            part.kept is not None,
        )
        for part, layer in zip(parts, layers, strict=True)
    ]
    block, size = power(channels, 1, 32), tile(channels)
    grid = share(pixels(value), size), share(channels, block)
    for first, number, columns in chunks(rows):
        arguments = first, number, out, scales, scaled, pixels(value)
        units.combine[grid](*columns, *arguments, HW=height * width, C=channels, P=size, B=block)
    return out
