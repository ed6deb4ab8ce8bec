"""A node's sum of parts, from feature maps with channels last; `backward` has the way back."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pdarts.nets.backends.form import Part, Unit, differentiable
from pdarts.nets.backends.triton import units
from pdarts.nets.backends.triton.backward import Layer, Way, handed_back, settled
from pdarts.nets.backends.triton.launches import (
    apart,
    blocks_of,
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
from pdarts.nets.backends.triton.units import Shape


def added(parts: Sequence[Part], constants: tuple[float, float]) -> Tensor:
    """Compute the sum for autograd; `constants` are BatchNorm's momentum and epsilon."""
    first = parts[0]
    if len(parts) == 1 and not first.units and first.scale is None and first.kept is None:
        return first.x
    parts = sorted(parts, key=lambda part: part.scale is None)  # so that numbers of scales are those of parts
    values = {id(part.x): even(part.x) for part in parts}
    parts = [part._replace(x=values[id(part.x)]) for part in parts]
    indices, tensors = differentiable(parts)
    return _NodeSum.apply(parts, indices, constants, *tensors)


class _NodeSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, parts: Sequence[Part], indices: list[int], constants: Any, *tensors: Any) -> Tensor:
        scales = [part.scale for part in parts if part.scale is not None]
        nothing = parts[0].x.new_empty(1, dtype=torch.float32)
        ctx.scales, ctx.inputs = torch.stack(scales) if scales else nothing, max(indices) + 1
        paths = _paths(parts, constants, nothing)
        ctx.layout = []
        for index, part, path in zip(indices, parts, paths, strict=True):
            kept = None if part.kept is None else part.kept.contiguous()
            ctx.layout.append((index, part.scale is not None, kept, [layer[2:] for layer in path]))
        # Feature maps alone: what is small takes autograd's bookkeeping, and recomputation's, longer than kernels.
        ctx.save_for_backward(*tensors[: ctx.inputs], *(layer.value for path in paths for layer in path))
        return _combined([path[-1] for path in paths], [kept for _, _, kept, _ in ctx.layout], ctx.scales, len(scales))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        gradient = even(gradient)
        saved, wanted = iter(ctx.saved_tensors), iter(ctx.needs_input_grad[3:])
        inputs, onward = list(islice(saved, ctx.inputs)), list(islice(wanted, ctx.inputs))
        ways, wanted_scales = [], []
        for index, scaled, kept, small in ctx.layout:
            layers: list[Layer] = []
            for each in small:
                layers.append(Layer(next(saved), layers[-1].value if layers else inputs[index], *each))
            wanted_scales.append(next(wanted))
            of_units = [list(islice(wanted, 4)) for layer in layers if layer.unit is not None]
            ways.append(Way(index, layers, scaled, kept, of_units, onward[index], gradient))
        changes = settled(ways, ctx.scales)
        scales = changes[:, 5].sum(1).unbind() if any(wanted_scales) else ()
        targets, others = handed_back(ways, len(inputs)), []
        for number, (way, wish) in enumerate(zip(ways, wanted_scales, strict=True)):
            others += [scales[number] if wish else None, *(each for results in way.results for each in results)]
        return None, None, None, *targets, *others


def _paths(parts: Sequence[Part], constants: tuple[float, float], nothing: Tensor) -> list[list[Layer]]:
    """Compute the layers of each part."""
    paths: list[list[Layer]] = [[] if part.units else [Layer(part.x, part.x, None, nothing)] for part in parts]
    for level in range(max(len(part.units) for part in parts)):
        fresh = []
        for path, part in zip(paths, parts, strict=True):
            if level < len(part.units):
                path.append(_layer(path[-1] if path else Layer(part.x, part.x, None, nothing), part.units[level]))
                fresh.append(path[-1])
        _compute(fresh, constants, nothing)
    return paths


def _layer(before: Layer, unit: Unit) -> Layer:
    """Allocate a unit's layer behind another one."""
    x = value = before.value
    _, channels, height, width = x.shape
    shape, out, size = None, channels, 1 if unit.depthwise is None else unit.depthwise.shape[-1]
    if unit.dense is not None:
        out, height_out, width_out = unit.behind(channels, height, width)
        value = feature_maps(x, out, height_out, width_out)
        step: Any = apart(x)
        shape = Shape(
            *(step, channels, height, width, out, height_out, width_out, size, unit.stride, unit.dilation),
            depthwise=unit.depthwise is not None,
            inner=before.unit is not None,
            P=tile(out),
            BC=16,
            BO=power(out, 16, 64),
            precision="tf32x3" if x.dtype == torch.float32 else "tf32",
        )
    return Layer(value, x, unit, before.norm.new_empty(4, out), before.norm, shape)


def _compute(layers: Sequence[Layer], constants: tuple[float, float], nothing: Tensor) -> None:
    """Compute values and constants of layers that depend on earlier ones alone; update running statistics."""
    moments = {
        id(layer): nothing.new_empty(blocks_of(layer.value), 2, layer.value.shape[1])
        if layer.unit.training
        else nothing
        for layer in layers
    }
    rows: list[Any]
    for (shape, training), group in grouped(layers, lambda layer: (layer.shape, layer.unit.training)):
        value = group[0].value
        channels, blocks, block = value.shape[1], blocks_of(value), power(value.shape[1], 1, 32)
        if shape is not None:
            rows = [
                (layer.source, layer.norm_before, layer.depthwise, layer.unit.dense, layer.value, moments[id(layer)])
                for layer in group
            ]
            grid = blocks * share(channels, shape.BO), 1
            warps = 4 if shape.BO <= 32 else 8
            launch(units.convolve, grid, rows, pixels(value), s=shape, MOMENTS=training, num_warps=warps)
        elif training:
            rows = [(layer.value, moments[id(layer)]) for layer in group]
            grid = blocks, share(channels, block)
            launch(units.measure, grid, rows, pixels(value), C=channels, P=tile(channels), B=block)
    for shape, group in grouped(layers, lambda layer: layer.value.shape):
        rows = [(moments[id(layer)], *_norm(layer)) for layer in group]
        block, value = power(shape[1], 1, 16), group[0].value
        sizes = {"C": shape[1], "P": tile(shape[1]), "B": block, "R": 4096 // block, "num_warps": 8}
        arguments = pixels(value), blocks_of(value)
        grid = 1, share(shape[1], block)
        launch(units.normalize, grid, rows, *arguments, MOMENTUM=constants[0], EPSILON=constants[1], **sizes)


def _norm(layer: Layer) -> tuple[Any, ...]:
    """List what `units.normalize` takes of a layer."""
    unit, affine = layer.unit, layer.unit.weight is not None
    weight, bias = (unit.weight, unit.bias) if affine else (layer.norm, layer.norm)
    return unit.running_mean, unit.running_var, weight, bias, layer.norm, unit.training, affine


def _combined(layers: Sequence[Layer], kept: Sequence[Tensor | None], scales: Tensor, scaled: int) -> Tensor:
    """Sum what layers hold; the first of them have scales."""
    value = layers[0].value
    _, channels, height, width = value.shape
    out, block, size = feature_maps(value, channels, height, width), power(channels, 1, 32), tile(channels)
    rows = [
        (
            dense(layer.value),
            layer.norm,
            layer.norm if factors is None else factors,
            layer.unit is not None,
            factors is not None,
        )
        for layer, factors in zip(layers, kept, strict=True)
    ]
    for first, number, columns in chunks(rows):
        arguments = first, number, out, scales, scaled, pixels(value)
        grid = blocks_of(value), share(channels, block)
        units.combine[grid](*columns, *arguments, HW=height * width, C=channels, P=size, B=block)
    return out
