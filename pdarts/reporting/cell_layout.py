"""Arranges the parts of a drawn cell in columns from left to right, with as few crossing lines as possible.

A column holds intermediate nodes, each with the operations that lead to it, and lines that pass on to later columns.
It is a tuple of node numbers from top to bottom. In the column of the node a number stands for the node itself, in
later columns for the line that comes from it. Lines cross only between columns, so that they never hide an operation.

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
"""Connects a node (or its line) in one column with a node (or a line) in the next."""

Columns = list[dict[int, float]]
"""Height of every node or line above the middle, in inches, column by column and from top to bottom."""

NODE_HEIGHT, LOW_NODE_HEIGHT, LINE_HEIGHT, INPUT_HEIGHT = 0.92, 0.6, 0.26, 0.7
"""Inches that a column reserves for a node with two operations, with one operation, a passing line, an input node."""

LINE_PULL = 8
"""Weight of a line that passes a column when heights are averaged; that of an operation is 1."""


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
        """Numbers of all nodes: inputs, intermediate nodes, output."""
        return *range(INPUTS), *self.cell.nodes, self.output

    def operations(self, node: int) -> tuple[Edge, ...]:
        """The edges, one or two, that lead to an intermediate node; none for an input node."""
        return self.cell.into(node)

    def sources(self, node: int) -> tuple[int, ...]:
        """Sources of the edges into `node`, one per operation; none for an input node."""
        if node == self.output:
            return self.cell.concat
        return tuple(edge.source for edge in self.operations(node))

    @cached_property
    def depths(self) -> dict[int, int]:
        """Index of each node's column: 0 for inputs; any other node stands in the column after its last source."""
        depths = dict.fromkeys(range(INPUTS), 0)
        for node in self.cell.nodes:
            depths[node] = 1 + max(depths[source] for source in self.sources(node))
        return depths | {self.output: 1 + max(depths.values())}

    def reach(self, node: int, through_operations: bool = False) -> int:
        """Index of the last column that a line from `node` leads to, or 0; `through_operations` ignores the output."""
        targets = self.cell.nodes if through_operations else self.nodes
        return max((self.depths[target] for target in targets if node in self.sources(target)), default=0)

    def columns(self) -> list[Column]:
        """Nodes and lines in each column, in no particular order."""
        return [
            tuple(
                node
                for node in self.nodes
                if self.depths[node] == depth or self.depths[node] < depth < self.reach(node)
            )
            for depth in range(self.depths[self.output] + 1)
        ]

    def links(self, column: Column, depth: int) -> list[Link]:
        """Links that end in `column`, whose index is `depth`."""
        nodes = [(source, node) for node in column if self.depths[node] == depth for source in self.sources(node)]
        lines = [(node, node) for node in column if self.depths[node] < depth]
        return nodes + lines

    def height(self, node: int, depth: int) -> float:
        """Inches that the column at `depth` reserves for `node` or its line."""
        if self.depths[node] < depth:
            return LINE_HEIGHT
        heights = (INPUT_HEIGHT, LOW_NODE_HEIGHT, NODE_HEIGHT)
        return heights[len(self.operations(node))]


def arrange(graph: CellGraph) -> Columns:
    """Arrange a cell: heights above the middle, in inches, of all nodes and lines.

    Of all orders it takes the one with the fewest crossings, and among those the one with the shortest vertical moves.
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
    """Height of the lowest and of the highest point, in inches."""
    heights = [(y, graph.height(node, depth)) for depth, column in enumerate(columns) for node, y in column.items()]
    return min(y - height / 2 for y, height in heights), max(y + height / 2 for y, height in heights)


def _stack(graph: CellGraph, order: Column, depth: int) -> dict[int, float]:
    sizes = [graph.height(node, depth) for node in order]
    top = sum(sizes) / 2
    return {node: top - sum(sizes[:index]) - sizes[index] / 2 for index, node in enumerate(order)}


def _cost(links: list[Link], left: Mapping[int, float], right: Mapping[int, float]) -> float:
    crossings = sum((left[a] - left[c]) * (right[b] - right[d]) < 0 for (a, b), (c, d) in combinations(links, 2))
    return 100 * crossings + sum(abs(left[source] - right[target]) for source, target in links)


def _straighten(graph: CellGraph, columns: Columns) -> Columns:
    """Move every node and line towards those that it is linked to, without changing their order."""
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
    """Find the heights closest to the wanted ones (least squares) that keep the order and do not overlap."""
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
