"""Draws what the architecture weights of a search stand for, epoch by epoch."""

from collections.abc import Sequence
from math import nan

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pdarts.reporting.figures import FAINT, INK, OPERATION_COLORS
from pdarts.reporting.searches import Stage, Trace
from pdarts.reporting.stage_axes import head, mark_stages, numbers_of
from pdarts.space.topology import EDGES_KEPT

SKIPS, UNLIMITED = OPERATION_COLORS["skip_connect"], FAINT

FLAT = 0.95
"""Entropy down to which its axis reaches at least, so that noise looks small."""

TITLES = ("Skip connections, normal cell", "Parameters of all cells (thousands)", "Entropy of the weights (1: open)")

LINES = (
    Line2D([], [], color=SKIPS, label="of the cell that the epoch yields"),
    Line2D([], [], color=UNLIMITED, label="without skip limit"),
    Line2D([], [], color=INK, marker="|", linestyle="", label="a cell changed"),
    Line2D([], [], color=INK, label="normal cell"),
    Line2D([], [], color=INK, linestyle=":", label="reduction cell"),
)
"""The lines of all panels, for a legend."""


def draw_trace(panels: Sequence[Axes], stages: Sequence[Stage], trace: Trace) -> None:
    """Draw skip connections, parameters and entropy by epoch.

    Args:
        panels: axes of each.
        stages: stages of the search.
        trace: the cells that its weights stand for.
    """
    skips, parameters, entropy = panels
    start = 0
    for numbers in numbers_of(stages):
        epochs = trace.epochs[start : start + len(numbers)]
        start += len(numbers)
        unlimited = [_or_gap(epoch.unlimited_skips) for epoch in epochs]
        skips.plot(numbers, unlimited, color=UNLIMITED, linewidth=2.5, drawstyle="steps-mid")
        skips.plot(numbers, [_or_gap(epoch.skips) for epoch in epochs], color=SKIPS, drawstyle="steps-mid")
        thousands = [_or_gap(epoch.parameters) / 1000 for epoch in epochs]
        parameters.plot(numbers, thousands, color=INK, drawstyle="steps-mid")
        for kind, line in (("normal", "-"), ("reduction", ":")):
            entropy.plot(numbers, [epoch.entropy[kind] for epoch in epochs], line, color=INK)
    skips.plot(trace.changes, [-0.5] * len(trace.changes), "|", color=INK, markersize=4)
    skips.set_ylim(-1, EDGES_KEPT + 0.4)
    skips.set_yticks(range(0, EDGES_KEPT + 1, 2))
    entropy.set_ylim(min(FLAT, min(entropy.get_ylim())), 1.005)
    for axes, title in zip(panels, TITLES, strict=True):
        head(axes, title, pad=6)
        mark_stages(axes, stages)
        axes.set_xlabel("epoch")


def align(columns: Sequence[Sequence[Axes]], names: Sequence[str]) -> None:
    """Give panels in a row one scale, and write scales and titles left alone, and names of columns below alone."""
    for row in zip(*columns, strict=True):
        lowest, highest = zip(*(axes.get_ylim() for axes in row), strict=True)
        for axes in row:
            axes.set_ylim(min(lowest), max(highest))
        for axes in row[1:]:
            axes.tick_params(labelleft=False)
            axes.set_title("", loc="left")
    for column, name in zip(columns, names, strict=True):
        column[-1].set_xlabel(f"epoch, {name}")
        for axes in column[:-1]:
            axes.set_xlabel("")


def explain_lines(figure: Figure, right: float, top: float) -> None:
    """Write the legend of all panels in a line that ends at `right`, as fractions of the figure."""
    figure.legend(handles=LINES, loc="upper right", bbox_to_anchor=(right, top), ncols=len(LINES), handlelength=1.2)


def _or_gap(value: int | None) -> float:
    return nan if value is None else value
