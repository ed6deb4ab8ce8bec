"""Where the parts of a drawn cell stand: columns from left to right, as few crossing lines as possible.

A column holds intermediate nodes, each with the operations that lead to it, and lines that pass on to later columns.
It is written as a tuple of node numbers, from top to bottom: a number is the node itself in the column where the node
stands, and that node's line in every later one. Lines cross only between columns, so they never hide an operation.

Source: Sugiyama et al. 1981, "Methods for visual understanding of hierarchical system structures".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations
from statistics import fmean

from pdarts.space.genotype import CellGenotype, Edge
from pdarts.space.topology import INPUTS

Column = tuple[int, ...]
Link = tuple[int, int]
"""From a node (or its line) in one column to a node (or a line) in the next."""

Columns = list[dict[int, float]]
"""Per column: how many inches every node or line in it stands above the middle, from top to bottom."""

NODE_HEIGHT, LOW_NODE_HEIGHT, LINE_HEIGHT, INPUT_HEIGHT = 0.92, 0.6, 0.26, 0.7
"""Inches that a node with two operations, one with a single one, a passing line and an input node take in a column."""

LINE_PULL = 8
"""How much more a line that merely passes a column pulls than an operation does."""


@dataclass(frozen=True)
class CellGraph:
    """A cell as a graph whose last node, `output`, concatenates others."""

    cell: CellGenotype

    @property
    def output(self) -> int:
        """Number of the output node, one above the last intermediate node."""
        return 1 + max(self.cell.nodes)

    @property
    def nodes(self) -> tuple[int, ...]:
        """All there are: inputs, intermediate nodes, output."""
        return *range(INPUTS), *self.cell.nodes, self.output

    def operations(self, node: int) -> tuple[Edge, ...]:
        """The edges, one or two, that lead to an intermediate node; none for an input node."""
        return self.cell.into(node)

    def sources(self, node: int) -> tuple[int, ...]:
        """Nodes that lead to `node`, one for each of its operations; none for an input node."""
        if node == self.output:
            return self.cell.concat
        return tuple(edge.source for edge in self.operations(node))

    @cached_property
    def depths(self) -> dict[int, int]:
        """The column of every node: inputs in 0, every other node right behind the last of its sources."""
        depths = dict.fromkeys(range(INPUTS), 0)
        for node in self.cell.nodes:
            depths[node] = 1 + max(depths[source] for source in self.sources(node))
        return depths | {self.output: 1 + max(depths.values())}

    def reach(self, node: int, through_operations: bool = False) -> int:
        """The last column that a line from `node` leads to, or 0; the output counts unless `through_operations`."""
        targets = self.cell.nodes if through_operations else self.nodes
        return max((self.depths[target] for target in targets if node in self.sources(target)), default=0)

    def columns(self) -> list[Column]:
        """What stands in each column, in no particular order."""
        return [
            tuple(
                node
                for node in self.nodes
                if self.depths[node] == depth or self.depths[node] < depth < self.reach(node)
            )
            for depth in range(self.depths[self.output] + 1)
        ]

    def links(self, column: Column, depth: int) -> list[Link]:
        """Links that end in `column`, the one at `depth`."""
        nodes = [(source, node) for node in column if self.depths[node] == depth for source in self.sources(node)]
        lines = [(node, node) for node in column if self.depths[node] < depth]
        return nodes + lines

    def height(self, node: int, depth: int) -> float:
        """Inches that `node`, or its line, takes in the column at `depth`."""
        if self.depths[node] < depth:
            return LINE_HEIGHT
        heights = (INPUT_HEIGHT, LOW_NODE_HEIGHT, NODE_HEIGHT)
        return heights[len(self.operations(node))]


def arrange(graph: CellGraph) -> Columns:
    """Height above the middle, in inches, of everything in every column, from top to bottom.

    The order is the best there is: first the fewest crossings, then the shortest ways up and down.
    """
    best: dict[Column, tuple[float, Columns]] = {(0, 1): (0.0, [_stack(graph, (0, 1), 0)])}
    for depth, column in enumerate(graph.columns()[1:], 1):
        links = graph.links(column, depth)
        extended = {}
        for order in permutations(column):
            heights = _stack(graph, order, depth)
            options = [(cost + _cost(links, path[-1], heights), path) for cost, path in best.values()]
            cost, path = min(options, key=lambda option: option[0])
            extended[order] = (cost, [*path, heights])
        best = extended
    _, columns = min(best.values(), key=lambda option: option[0])
    return _straighten(graph, columns)


def extent(graph: CellGraph, columns: Columns) -> tuple[float, float]:
    """Inches that the lowest and the highest thing reach."""
    places = [(y, graph.height(node, depth)) for depth, column in enumerate(columns) for node, y in column.items()]
    return min(y - height / 2 for y, height in places), max(y + height / 2 for y, height in places)


def _stack(graph: CellGraph, order: Column, depth: int) -> dict[int, float]:
    sizes = [graph.height(node, depth) for node in order]
    top = sum(sizes) / 2
    return {node: top - sum(sizes[:place]) - sizes[place] / 2 for place, node in enumerate(order)}


def _cost(links: list[Link], left: Mapping[int, float], right: Mapping[int, float]) -> float:
    crossings = sum((left[a] - left[c]) * (right[b] - right[d]) < 0 for (a, b), (c, d) in combinations(links, 2))
    return 100 * crossings + sum(abs(left[source] - right[target]) for source, target in links)


def _straighten(graph: CellGraph, columns: Columns) -> Columns:
    """Move everything towards what it is linked to, in the order it has; passing lines pull most."""
    links = [graph.links(tuple(column), depth) for depth, column in enumerate(columns)]
    for _ in range(60):
        for depth, column in enumerate(columns):
            wanted = {}
            for node in column:
                near = [
                    (source == node, columns[depth - 1][source]) for source, target in links[depth] if target == node
                ]
                if depth + 1 < len(columns):
                    ahead = columns[depth + 1]
                    near += [(target == node, ahead[target]) for source, target in links[depth + 1] if source == node]
                weights = [LINE_PULL if is_line else 1 for is_line, _ in near]
                wanted[node] = fmean((y for _, y in near), weights) if near else column[node]
            columns[depth] = _spread(wanted, {node: graph.height(node, depth) for node in column})
    return columns


def _spread(wanted: Mapping[int, float], sizes: Mapping[int, float]) -> dict[int, float]:
    """Heights closest to the wanted ones (least squares) that keep the order and give everything its size."""
    offsets, offset = [], 0.0
    blocks: list[list[float]] = []  # wanted heights, offsets added, of neighbours that end up touching
    for node, height in wanted.items():
        offset += sizes[node] / 2
        offsets.append(offset)
        block = [height + offset]
        while blocks and fmean(blocks[-1]) < fmean(block):
            block = blocks.pop() + block
        blocks.append(block)
        offset += sizes[node] / 2
    tops = [fmean(block) for block in blocks for _ in block]
    return {node: top - offset for node, top, offset in zip(wanted, tops, offsets, strict=True)}
