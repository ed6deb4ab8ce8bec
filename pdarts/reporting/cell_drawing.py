"""Draws the two cells of a genotype."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Curve

from pdarts.reporting.cell_layout import CellGraph, Columns, arrange, extent
from pdarts.reporting.figures import FAINT, INK, OPERATION_COLORS, style
from pdarts.space.genotype import Genotype
from pdarts.space.topology import INPUTS, KINDS

LABEL_WIDTH, LABEL_HEIGHT, LABEL_RISE, ROUNDING = 1.04, 0.25, 0.185, 0.06
"""Inches: width and height of an operation's label, its distance from its node's middle, and radius of its corners."""

LABEL_LETTERS = 14
"""Number of letters that fit on a label; longer names are set smaller."""

COLUMN_WIDTH, GAP, RADIUS = 1.86, 0.74, 0.17
"""Inches: width of a column of nodes with their operations, space before it for bends of lines, radius of a node."""

MARGIN, TITLE = 0.12, 0.36
"""Inches: margin around the figure, and height of a cell's title."""

TITLES = {"normal": "Normal cell", "reduction": "Reduction cell"}

Point = tuple[float, float]


def draw(genotype: Genotype) -> Figure:
    """Draw the normal cell above the reduction cell, from the input nodes on the left to the output on the right.

    Intermediate nodes are numbered from 0, as in figures of the literature: node 2 of a genotype file is node 0 here.
    Dark lines lead to operations, pale ones to the concatenation.
    """
    with style():
        graphs = [CellGraph(genotype.cell(kind)) for kind in KINDS]
        cells = [(graph, arrange(graph)) for graph in graphs]
        extents = [extent(graph, columns) for graph, columns in cells]
        width = max(_left(len(columns) - 1) for _, columns in cells) + 2 * RADIUS + 2 * MARGIN
        height = sum(top - bottom + TITLE for bottom, top in extents) + 2 * MARGIN
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(-MARGIN, width - MARGIN), ylim=(MARGIN - height, MARGIN))
        axes.set_axis_off()
        ceiling = 0.0
        for kind, (graph, columns), (bottom, top) in zip(KINDS, cells, extents, strict=True):
            axes.text(0, ceiling - 0.05, TITLES[kind], size=11, weight="bold", va="top")
            axes.text(1.42, ceiling - 0.075, _remark(kind, graph), size=8.5, va="top")
            middle = ceiling - TITLE - top
            _Cell(axes, graph, [{node: middle + y for node, y in column.items()} for column in columns]).draw()
            ceiling = middle + bottom
        for artist in axes.get_children():
            artist.set_clip_on(False)  # the axes fill the figure, and clipping would name itself on every line
    return figure


def _remark(kind: str, graph: CellGraph) -> str:
    """Say what the drawing does not show: strides, and nodes that are missing."""
    missing = [str(node - INPUTS) for node in range(graph.output) if node not in graph.nodes]
    strides = ["stride 2 on both inputs"] if kind == "reduction" else []
    without = [f"without node{'s' * (len(missing) > 1)} {', '.join(missing)}"] if missing else []
    return ", ".join(strides + without)


def _left(depth: int) -> float:
    """Abscissa at which lines enter the column at `depth`, in inches."""
    return 0.0 if depth == 0 else _right(depth - 1) + GAP


def _right(depth: int) -> float:
    """Abscissa at which lines leave the column at `depth`, in inches."""
    return 2 * RADIUS if depth == 0 else _left(depth) + COLUMN_WIDTH


@dataclass(frozen=True)
class _Cell:
    axes: Axes
    graph: CellGraph
    columns: Columns

    def draw(self) -> None:
        for depth, column in enumerate(self.columns):
            for node, y in column.items():
                if self.graph.depths[node] < depth:
                    self.passing_line(node, depth, y)
                elif node == self.graph.output:
                    self.output(depth, y)
                elif node < INPUTS:
                    self.node((RADIUS, y), ("$c_{k-2}$", "$c_{k-1}$")[node])
                else:
                    self.intermediate_node(node, depth, y)

    def passing_line(self, node: int, depth: int, y: float) -> None:
        color = INK if self.graph.reach(node, through_operations=True) > depth else FAINT
        self.line(node, depth, y, color, arrow=False)
        self.curve((_left(depth), y), (_right(depth), y), color, arrow=False)

    def output(self, depth: int, y: float) -> None:
        for source in self.graph.cell.concat:
            self.line(source, depth, y, FAINT, arrow=True)
        self.node((_left(depth) + RADIUS, y), "$c_k$")

    def intermediate_node(self, node: int, depth: int, y: float) -> None:
        before = self.columns[depth - 1]
        center = (_right(depth) - RADIUS, y)
        edges = sorted(self.graph.operations(node), key=lambda edge: -before[edge.source])
        rises = (LABEL_RISE, -LABEL_RISE) if len(edges) == 2 else (0.0,)
        for edge, rise in zip(edges, rises, strict=True):
            self.line(edge.source, depth, y + rise, INK, arrow=True)
            self.label((_left(depth), y + rise), edge.operation)
            start = (_left(depth) + LABEL_WIDTH, y + rise)
            self.curve(start, (center[0] - RADIUS, y + rise / 4), OPERATION_COLORS[edge.operation], arrow=True)
        self.node(center, str(node - INPUTS))

    def line(self, source: int, depth: int, y: float, color: str, arrow: bool) -> None:
        """Draw a line from `source` in the column before to the height `y` at the left of the column at `depth`."""
        self.curve((_right(depth - 1), self.columns[depth - 1][source]), (_left(depth), y), color, arrow)

    def curve(self, start: Point, end: Point, color: str, arrow: bool) -> None:
        middle = (start[0] + end[0]) / 2
        path = Curve([start, (middle, start[1]), (middle, end[1]), end], [Curve.MOVETO, *[Curve.CURVE4] * 3])
        head, layer = "-|>" if arrow else "-", 1 if color == FAINT else 2
        self.axes.add_patch(FancyArrowPatch(path=path, arrowstyle=head, mutation_scale=8, color=color, zorder=layer))

    def label(self, left: Point, operation: str) -> None:
        x, y = left
        color, size = OPERATION_COLORS[operation], 7.5 * min(1, LABEL_LETTERS / len(operation))
        corner = (x + ROUNDING, y - LABEL_HEIGHT / 2 + ROUNDING)
        box = f"round,pad={ROUNDING}"
        width, height = LABEL_WIDTH - 2 * ROUNDING, LABEL_HEIGHT - 2 * ROUNDING
        self.axes.add_patch(FancyBboxPatch(corner, width, height, box, fc=_tint(color), ec=color, zorder=3))
        self.axes.text(x + LABEL_WIDTH / 2, y, operation, ha="center", va="center_baseline", size=size, zorder=4)

    def node(self, center: Point, name: str) -> None:
        self.axes.add_patch(Circle(center, RADIUS, facecolor="white", edgecolor=INK, linewidth=1.2, zorder=3))
        self.axes.text(*center, name, ha="center", va="center_baseline", zorder=4)


def _tint(color: str) -> tuple[float, ...]:
    return tuple(0.87 + 0.13 * part for part in to_rgb(color))
