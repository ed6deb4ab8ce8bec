"""The way of a gradient back through the layers of a node's parts."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pdarts.nets.backends.form import Unit
from pdarts.nets.backends.triton import units
from pdarts.nets.backends.triton.launches import apart, chunks, dense, feature_maps, grouped, launch, pixels, power, share, tile
from pdarts.nets.backends.triton.units import Shape


class Layer(NamedTuple):
    """What a unit computes with; a part without units has one layer, which holds a term of the sum alone."""

    value: Tensor
    """The input of BatchNorm, or the term."""
    source: Tensor
    """The input of the unit."""
    unit: Unit | None = None
    norm: Tensor | None = None
    """BatchNorm's constants for each channel, shape (4, channels): mean, 1 / deviation, factor, bias."""
    norm_before: Tensor | None = None
    """Those of the unit before."""
    shape: Shape | None = None
    """None without convolution."""


class Way:
    """A part on the way back from its last layer to its first.

    Args:
        index: the number of its input.
        layers: of the part.
        kept: factors of drop path.
        wanted: whether the gradients of weight, bias, dense and depthwise weights of each unit are wanted.
        onward: whether that of the input is.
        gradient: of the node.
    """

    def __init__(
        self, index: int, layers: list[Layer], kept: Tensor | None, wanted: list[list[bool]], onward: bool, gradient: Tensor
    ) -> None:
        self.index, self.layers, self.kept, self.wanted, self.gradient = index, layers, kept, wanted, gradient
        self.onward = [onward or any(any(wishes) for wishes in wanted[:level]) for level in range(len(layers))]
        """Whether the gradient of a layer's source is needed."""
        self.results: list[list[Tensor | None]] = [[None] * 4 for _ in wanted]
        """Gradients that are wanted, in the same order."""
        self.sums: Any = None
        """Sums of blocks for the present layer."""
        self.change: Any = None
        """Of the present layer: what `units.settle` stores for it."""

    def note(self, level: int, change: Tensor) -> None:
        """Keep what was settled for a layer, which holds the gradients of BatchNorm's weight and bias."""
        self.change = change
        if self.wanted:
            weight, bias, *_ = self.wanted[level]
            self.results[level][:2] = change[5] if weight else None, change[4] if bias else None

    def descend(self, gradient: Tensor, sums: Tensor) -> None:
        """Go on with the gradient of the normalized value of the layer before, and its sums."""
        self.gradient, self.kept, self.sums = gradient, None, sums


def settle(ways: Sequence[Way], scales: Tensor, scaled: int, nothing: Tensor) -> Tensor:
    """Sum up the gradient for the last layers of all ways; returns what `units.settle` stores, shape (ways, 6, C)."""
    gradient = ways[0].gradient
    _, channels, height, width = gradient.shape
    size, block = tile(channels), power(channels, 1, 32)
    sums = nothing.new_empty(len(ways), share(pixels(gradient), size), 2, channels)
    rows = []
    for way, of_way in zip(ways, sums, strict=True):
        way.sums, layer = of_way, way.layers[-1]
        norm = nothing if layer.norm is None else layer.norm
        kept = nothing if way.kept is None else way.kept
        rows.append((dense(layer.value), norm, kept, of_way, layer.norm is not None, way.kept is not None))
    sizes = {"G": apart(gradient), "HW": height * width, "C": channels, "P": size, "B": block}
    grid = sums.shape[1], share(channels, block)
    launch(units.sum_gradients, grid, rows, gradient, pixels(gradient), **sizes)
    return _settled(ways, -1, scales, scaled, nothing)


def _settled(ways: Sequence[Way], level: int, scales: Tensor, scaled: int, nothing: Tensor) -> Tensor:
    """Compute what `units.settle` stores for a layer of ways that have the same shape."""
    blocks, _, channels = ways[0].sums.shape
    changes, rows = nothing.new_empty(len(ways), 6, channels), []
    for way, change in zip(ways, changes, strict=True):
        layer = way.layers[level]
        way.note(level, change)
        norm = nothing if layer.norm is None else layer.norm
        rows.append((way.sums, norm, change, layer.norm is not None, layer.unit is not None and layer.unit.training))
    block = power(channels, 1, 16)
    for first, number, columns in chunks(rows):
        arguments = first, scales, scaled, pixels(ways[0].layers[level].value), blocks
        grid = 1, share(channels, block), number
        units.settle[grid](*columns, *arguments, C=channels, B=block, R=2048 // block, num_warps=8)
    return changes


def through(ways: Sequence[Way], inputs: Sequence[Tensor], nothing: Tensor) -> list[Tensor | None]:
    """Compute the gradients of inputs, and the results of ways; None where they are not wanted."""
    targets: list[Tensor | None] = [None] * len(inputs)
    _hand_on([way for way in ways if way.layers[-1].shape is None and way.onward[0]], targets, nothing)
    partials: list[tuple[Tensor, Tensor]] = []
    for level in reversed(range(max(len(way.layers) for way in ways))):
        present = [way for way in ways if level < len(way.layers) and way.layers[level].shape is not None]
        inner = [way for way in present if level < len(way.layers) - 1]
        for _, group in grouped(inner, lambda way: way.sums.shape):
            _settled(group, level, nothing, 0, nothing)
        for key, group in _apart(present, level):
            _through_unit(group, level, targets, partials, nothing)
    for (count, size), group in grouped(partials, lambda pair: (len(pair[0]), pair[1].numel())):
        launch(units.add_up, (share(size, 64), 1), group, count, size, R=32, B=64)
    return targets


def _apart(ways: Sequence[Way], level: int) -> Any:
    """Group ways that one launch may compute: with the same shape and wishes, and different inputs."""
    seen: Counter[Any] = Counter()
    keys = {}
    for way in ways:
        layer, (*_, of_dense, of_depthwise) = way.layers[level], way.wanted[level]
        key = layer.shape, apart(way.gradient), way.onward[level], of_dense, of_depthwise
        keys[id(way)] = key, seen[key, way.index] if level == 0 else 0
        seen[key, way.index] += 1
    return grouped(ways, lambda way: keys[id(way)])


def _hand_on(ways: Sequence[Way], targets: list[Tensor | None], nothing: Tensor) -> None:
    """Compute the gradients of inputs without convolutions."""
    seen: Counter[int] = Counter()
    keys = {}
    for way in ways:
        keys[id(way)] = seen[way.index]
        seen[way.index] += 1
    for _, group in grouped(ways, lambda way: keys[id(way)]):
        rows = []
        for way in group:
            value, kept = way.layers[-1].value, nothing if way.kept is None else way.kept
            target, adds = _target(way, targets)
            rows.append((dense(value), way.change, kept, target, way.kept is not None, adds))
        gradient = group[0].gradient
        _, channels, height, width = gradient.shape
        size, block = tile(channels), power(channels, 1, 32)
        sizes = {"G": apart(gradient), "HW": height * width, "C": channels, "P": size, "B": block}
        grid = share(pixels(gradient), size), share(channels, block)
        launch(units.hand_on, grid, rows, gradient, pixels(gradient), **sizes)


def _target(way: Way, targets: list[Tensor | None]) -> tuple[Tensor, bool]:
    """Return where the gradient of a way's input lies, and whether something is there to add to."""
    target = targets[way.index]
    if target is not None:
        return target, True
    _, channels, height, width = way.layers[0].source.shape
    target = targets[way.index] = feature_maps(way.gradient, channels, height, width)
    return target, False


def _through_unit(
    ways: Sequence[Way], level: int, targets: list[Tensor | None], partials: list[Any], nothing: Tensor
) -> None:
    """Compute gradients of the same unit of several ways."""
    shape: Any = ways[0].layers[level].shape
    onward, (*_, of_dense, of_depthwise) = ways[0].onward[level], ways[0].wanted[level]
    places: list[tuple[Tensor, bool]] = [(nothing, False)] * len(ways)
    if onward:
        places = [_place(way, level, targets) for way in ways]
    middles = places
    if shape.depthwise and (onward or of_depthwise):
        middles = [(feature_maps(way.gradient, shape.C, shape.HO, shape.WO), False) for way in ways]
    _through_pointwise(ways, level, shape, middles, onward or (shape.depthwise and of_depthwise), of_dense, partials, nothing)
    if shape.depthwise and (onward or of_depthwise):
        _through_depthwise(ways, level, shape, middles, places, onward, of_depthwise, partials, nothing)


def _place(way: Way, level: int, targets: list[Tensor | None]) -> tuple[Tensor, bool]:
    if level == 0:
        return _target(way, targets)
    _, channels, height, width = way.layers[level].source.shape
    return feature_maps(way.gradient, channels, height, width), False


def _through_pointwise(
    ways: Sequence[Way], level: int, shape: Shape, places: Sequence[Any], onward: bool, weights: bool,
    partials: list[Any], nothing: Tensor,
) -> None:  # fmt: skip
    gradient, number = ways[0].gradient, pixels(ways[0].layers[level].value)
    tiles, split = share(number, shape.P), share(shape.CO, shape.BO)
    launches = [(True, True)] if onward and weights and split == 1 else [(onward, False), (False, weights)]
    for one, other in launches:
        if not one and not other:
            continue
        columns = share(shape.C, shape.BC) * (split if other else 1)
        programs = min(tiles, max(16, 512 // columns)) if other else tiles
        rows = []
        for way, (target, adds) in zip(ways, places, strict=True):
            layer, partial = way.layers[level], nothing
            if other:
                partial = nothing.new_empty(programs, shape.CO, shape.C)
                way.results[level][2] = torch.empty_like(layer.unit.dense)
                partials.append((partial, way.results[level][2]))
            rows.append(
                (
                    *(way.gradient, layer.value, way.change, nothing if way.kept is None else way.kept, layer.source),
                    nothing if layer.norm_before is None else layer.norm_before,
                    nothing if layer.unit.depthwise is None else layer.unit.depthwise,
                    *(layer.unit.dense, target, partial, way.kept is not None, adds),
                )
            )
        constants = {"s": shape, "G": apart(gradient), "ONWARD": one, "WEIGHTS": other, "SPLIT": split if other else 1}
        launch(units.through_pointwise, (programs, columns), rows, number, tiles, **constants)


def _through_depthwise(
    ways: Sequence[Way], level: int, shape: Shape, middles: Sequence[Any], places: Sequence[Any], onward: bool,
    weights: bool, partials: list[Any], nothing: Tensor,
) -> None:  # fmt: skip
    shape = shape._replace(P=tile(shape.C), BC=power(shape.C, 1, 32))
    number = pixels(ways[0].layers[level].source)
    tiles, columns = share(number, shape.P), share(shape.C, shape.BC)
    programs = min(tiles, max(16, 512 // columns)) if weights else tiles
    rows = []
    for way, (middle, _), (target, adds) in zip(ways, middles, places, strict=True):
        layer, partial, sums = way.layers[level], nothing, nothing
        if weights:
            partial = nothing.new_empty(programs, shape.C, shape.K**2)
            way.results[level][3] = torch.empty_like(layer.unit.depthwise)
            partials.append((partial, way.results[level][3]))
        if level > 0 and onward:
            sums = nothing.new_empty(tiles, 2, shape.C)
            way.descend(target, sums)
        norm = nothing if layer.norm_before is None else layer.norm_before
        rows.append((middle, layer.source, norm, layer.unit.depthwise, target, partial, sums, adds))
    constants = {"s": shape, "ONWARD": onward, "WEIGHTS": weights, "KK": power(shape.K**2, 1, 64)}
    launch(units.through_depthwise, (tiles if not weights else programs, columns), rows, number, tiles, **constants)
