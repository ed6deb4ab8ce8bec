"""The way of a gradient back through the layers of a node's parts."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pdarts.nets.backends.triton import units
from pdarts.nets.backends.triton.launches import (
    apart,
    blocks_of,
    chunks,
    dense,
    feature_maps,
    grouped,
    launch,
    pixels,
    power,
    share,
    tile,
)

PROGRAMS = 512
"""About as many programs add up the gradient of a weight, each over some of the pixels."""


class Layer(NamedTuple):
    """What a unit computes with; a part without units has one layer, which holds a term of the sum alone."""

    value: Tensor
    """The input of BatchNorm, or the term."""
    source: Tensor
    """The input of the unit."""
    unit: Any
    """A `Unit`; None if there is none."""
    norm: Tensor
    """BatchNorm's constants for each channel, as `units.normalize` stores them; without a unit nothing to read."""
    norm_before: Any = None
    """Those of the layer before."""
    shape: Any = None
    """A `units.Shape`; None without convolution."""

    @property
    def depthwise(self) -> Tensor:
        """The depthwise weight; without one nothing to read."""
        return self.norm if self.unit.depthwise is None else self.unit.depthwise


class Way:
    """A part on the way back from its last layer to its first.

    Args:
        index: the number of its input.
        layers: of the part.
        scaled: whether it has a scale.
        kept: factors of drop path.
        wanted: whether the gradients of weight, bias, dense and depthwise weight of each unit are wanted.
        onward: whether that of the input is.
        gradient: of the node.
    """

    def __init__(
        self,
        index: int,
        layers: list[Layer],
        scaled: bool,
        kept: Tensor | None,
        wanted: list[list[bool]],
        onward: bool,
        gradient: Tensor,
    ) -> None:
        self.index, self.layers, self.wanted, self.gradient = index, layers, wanted, gradient
        self.bare = not layers[-1].unit and not scaled and kept is None
        """Whether the gradient of its input is the node's."""
        self.scaled, self.keeps, self.kept = scaled, kept is not None, layers[0].norm if kept is None else kept
        self.onward = [onward or any(map(any, wanted[:level])) for level in range(len(layers))]
        """Whether the gradient of each layer's source is needed."""
        self.results: list[list[Tensor | None]] = [[None] * 4 for _ in wanted]
        """Gradients that are wanted, in the same order."""
        self.sums: Any = None
        """Sums of blocks for the present layer."""
        self.change: Any = None
        """What `units.settle` stores for the present layer."""

    def wishes(self, level: int) -> tuple[bool, bool, bool]:
        """Tell whether a unit's gradients are needed: of its source, dense and depthwise weight."""
        _, _, of_dense, of_depthwise = self.wanted[level]
        return self.onward[level], of_dense, of_depthwise

    def descend(self, gradient: Tensor, sums: Tensor) -> None:
        """Go on with the gradient of what the layer before hands on, and its sums."""
        self.gradient, self.sums, self.keeps = gradient, sums, False


def settled(ways: Sequence[Way], scales: Tensor) -> Tensor:
    """Sum up the gradient for last layers; returns what `units.settle` stores for the ways with scales."""
    scaled = sum(way.scaled for way in ways)
    ways = [way for way in ways if not way.bare]
    if not ways:
        return scales
    gradient = ways[0].gradient
    _, channels, height, width = gradient.shape
    block = power(channels, 1, 32)
    sums, rows = scales.new_empty(len(ways), blocks_of(gradient), 2, channels), []
    for way, of_way in zip(ways, sums, strict=True):
        way.sums, layer = of_way, way.layers[-1]
        rows.append((dense(layer.value), layer.norm, way.kept, of_way, layer.unit is not None, way.keeps))
    sizes = {"G": apart(gradient), "HW": height * width, "C": channels, "P": tile(channels), "B": block}
    launch(units.sum_gradients, (sums.shape[1], share(channels, block)), rows, gradient, pixels(gradient), **sizes)
    return _settle(ways, -1, scales, scaled)[:scaled]


def _settle(ways: Sequence[Way], level: int, scales: Tensor, scaled: int) -> Tensor:
    """Compute what `units.settle` stores for a layer of ways that have the same shape there."""
    blocks, _, channels = ways[0].sums.shape
    changes, rows = scales.new_empty(len(ways), 6, channels), []
    for way, change in zip(ways, changes, strict=True):
        way.change, layer = change, way.layers[level]
        rows.append((way.sums, layer.norm, change, layer.unit is not None, bool(layer.unit and layer.unit.training)))
        if layer.unit is not None:
            weight, bias, *_ = way.wanted[level]
            way.results[level][:2] = change[5] if weight else None, change[4] if bias else None
    block = power(channels, 1, 16)
    for first, number, columns in chunks(rows):
        arguments = first, scales, scaled, pixels(ways[0].layers[level].value), blocks
        sizes = {"C": channels, "B": block, "R": 2048 // block, "num_warps": 8}
        units.settle[1, share(channels, block), number](*columns, *arguments, **sizes)
    return changes


def handed_back(ways: Sequence[Way], inputs: int) -> list[Tensor | None]:
    """Compute the gradients of inputs, and the results of ways; None where they are not wanted."""
    back = _Back(inputs)
    for level in reversed(range(max(len(way.layers) for way in ways))):
        present = [way for way in ways if level < len(way.layers) and way.layers[level].shape is not None]
        inner = [way for way in present if level < len(way.layers) - 1]
        for _, group in grouped(inner, lambda way: way.sums.shape):
            _settle(group, level, group[0].sums, 0)
        keys = [(way.layers[level].shape, apart(way.gradient), *way.wishes(level)) for way in present]
        for group in _apart(present, keys, level == 0):
            back.through_unit(group, level)
    back.hand_on([way for way in ways if way.layers[-1].shape is None and way.onward[0]])
    back.add_up()
    return back.targets


def _apart(ways: Sequence[Way], keys: Sequence[Any], targets: bool = True) -> list[list[Way]]:
    """Group ways of equal keys, each of which one launch may compute: with `targets`, those of different inputs."""
    seen: Counter[Any] = Counter()
    numbered = []
    for way, key in zip(ways, keys, strict=True):
        numbered.append((way, (key, seen[key, way.index] if targets else 0)))
        seen[key, way.index] += 1
    return [[way for way, _ in group] for _, group in grouped(numbered, lambda pair: pair[1])]


class _Back:
    """Gradients of a node's inputs and weights, as far as they are computed."""

    def __init__(self, inputs: int) -> None:
        self.targets: list[Tensor | None] = [None] * inputs
        self.partials: list[tuple[Tensor, Tensor]] = []
        """Partial sums, and the gradients that they add up to."""

    def through_unit(self, ways: Sequence[Way], level: int) -> None:
        """Compute gradients of one unit of several ways, which have one shape."""
        layer, (onward, of_dense, of_depthwise) = ways[0].layers[level], ways[0].wishes(level)
        shape, nothing = layer.shape, ways[0].sums
        places: list[tuple[Tensor, bool]] = [(nothing, False)] * len(ways)
        if onward:
            places = [self._place(way, level) for way in ways]
        if not shape.depthwise:
            self._through_pointwise(ways, level, places, onward, of_dense)
            return
        middles = places
        if onward or of_depthwise:
            middles = [(feature_maps(layer.value, shape.C, shape.HO, shape.WO), False) for _ in ways]
        self._through_pointwise(ways, level, middles, onward or of_depthwise, of_dense)
        if onward or of_depthwise:
            self._through_depthwise(ways, level, middles, places, onward, of_depthwise)

    def _place(self, way: Way, level: int) -> tuple[Tensor, bool]:
        """Return where the gradient of a layer's source goes, and whether it is added to what is there."""
        target = self.targets[way.index] if level == 0 else None
        if target is not None:
            return target, True
        _, channels, height, width = way.layers[level].source.shape
        target = feature_maps(way.gradient, channels, height, width)
        if level == 0:
            self.targets[way.index] = target
        return target, False

    def _partial(self, way: Way, level: int, number: int, programs: int, wanted: bool) -> Tensor:
        """Allocate the gradient of a unit's dense (2) or depthwise weight (3), and its partial sums."""
        if not wanted:
            return way.sums
        unit = way.layers[level].unit
        result = way.results[level][number] = torch.empty_like(unit.dense if number == 2 else unit.depthwise)
        self.partials.append((way.sums.new_empty(programs, result.numel()), result))
        return self.partials[-1][0]

    def _through_pointwise(
        self, ways: Sequence[Way], level: int, places: Sequence[tuple[Tensor, bool]], onward: bool, weights: bool
    ) -> None:
        shape, value = ways[0].layers[level].shape, ways[0].layers[level].value
        shape = shape._replace(BC=power(shape.C, 16, 32))
        tiles, split = blocks_of(value), share(shape.CO, shape.BO)
        for one, other in [(onward, weights)] if split == 1 else [(onward, False), (False, weights)]:
            if not one and not other:
                continue
            columns = share(shape.C, shape.BC) * (split if other else 1)
            programs = min(tiles, max(16, PROGRAMS // columns)) if other else tiles
            rows = []
            for way, (target, adds) in zip(ways, places, strict=True):
                layer = way.layers[level]
                partial = self._partial(way, level, 2, programs, other)
                before = way.gradient, layer.value, way.change, way.kept, layer.source, layer.norm_before
                rows.append((*before, layer.depthwise, layer.unit.dense, target, partial, way.keeps, adds))
            constants = {"s": shape, "G": apart(ways[0].gradient), "ONWARD": one, "WEIGHTS": other}
            constants |= {"SPLIT": split if other else 1, "num_warps": 8}
            launch(units.through_pointwise, (programs * columns, 1), rows, pixels(value), tiles, **constants)

    def _through_depthwise(
        self,
        ways: Sequence[Way],
        level: int,
        middles: Sequence[tuple[Tensor, bool]],
        places: Sequence[tuple[Tensor, bool]],
        onward: bool,
        weights: bool,
    ) -> None:
        source, shape = ways[0].layers[level].source, ways[0].layers[level].shape
        shape = shape._replace(P=tile(shape.C), BC=power(shape.C, 1, 32))
        tiles, columns = blocks_of(source), share(shape.C, shape.BC)
        programs = min(tiles, max(16, PROGRAMS // columns)) if weights else tiles
        rows = []
        for way, (middle, _), (target, adds) in zip(ways, middles, places, strict=True):
            layer, partial = way.layers[level], self._partial(way, level, 3, programs, weights)
            if level > 0 and onward:
                way.descend(target, way.sums.new_empty(tiles, 2, shape.C))
            rows.append((middle, layer.source, layer.norm_before, layer.depthwise, target, partial, way.sums, adds))
        constants = {"s": shape, "ONWARD": onward, "WEIGHTS": weights, "KK": power(shape.K**2, 1, 64)}
        launch(units.through_depthwise, (programs, columns), rows, pixels(source), tiles, **constants)

    def hand_on(self, ways: Sequence[Way]) -> None:
        """Compute the gradients of inputs without convolutions."""
        busy = [way for way in ways if not way.bare]
        for group in _apart(busy, [None] * len(busy)):
            gradient, rows = group[0].gradient, []
            for way in group:
                target, adds = self._place(way, 0)
                rows.append((dense(way.layers[0].value), way.change, way.kept, target, way.keeps, adds))
            _, channels, height, width = gradient.shape
            block = power(channels, 1, 32)
            sizes = {"G": apart(gradient), "HW": height * width, "C": channels, "P": tile(channels), "B": block}
            grid = blocks_of(gradient), share(channels, block)
            launch(units.hand_on, grid, rows, gradient, pixels(gradient), **sizes)
        for way in ways:
            if way.bare:
                before = self.targets[way.index]
                self.targets[way.index] = way.gradient if before is None else before + way.gradient

    def add_up(self) -> None:
        """Add up all partial sums."""
        for (count, size), group in grouped(self.partials, lambda pair: tuple(pair[0].shape)):
            launch(units.add_up, (share(size, 64), 1), group, count, size, R=32, B=64)
