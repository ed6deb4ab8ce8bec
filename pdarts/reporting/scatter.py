"""Draws test errors against sizes and costs for all rows of a table: the paper's figures and those measured here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import cos, hypot, pi, sin
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from pdarts.reporting.comparison import Comparison, Result
from pdarts.reporting.figures import FAINT, INK, OPERATION_COLORS, style
from pdarts.reporting.plain_table import deviation
from pdarts.reporting.rows import Row

HERE = "#1f5fa8"
COURSE = OPERATION_COLORS["skip_connect"]
PRINTED = OPERATION_COLORS["none"]

WIDTH, HEIGHT = 5.2, 3.9
"""Inches; a phone shows this width without scrolling."""

NEAR, AROUND = 11.0, [(7 * cos(turn * pi / 4), 7 * sin(turn * pi / 4)) for turn in (0, 1, 3, 4, 5, 7)]
"""Typographic points: smallest distance between numbers, and positions of a number around its point, off its bar."""

BEHIND = [(6.0, 0.0), (6.0, 5.0), (6.0, -5.0), (12.0, 0.0)]
"""Positions of a number behind the end of its course, likewise."""

SIZES = {"parameters": "Parameters (millions)", "multiply_adds": "Multiply-adds (millions)"}
"""Axis label by the name of a size."""

COSTS_EXPLAINED = (
    "Cost: the searches that one network needs, what chooses among them, and one training. Lowest so far: the lowest "
    "test error of a row's searches or draws, made one after another, against what they cost together; since test "
    "images pick it, it says how errors fall with cost, and is no result of the method. Hours are those of the devices "
    "that were used, so they compare only where these are the same."
)

COST = "Search and one training (hours of a device)"

HOUR = 3600


Course = tuple[tuple[float, float], ...]
"""Costs in hours, each with an error in percent."""


@dataclass(frozen=True)
class Point:
    """A row's number, size in millions or cost in hours, and error in percent."""

    number: int
    size: float
    error: float
    spread: float | None = None
    """Deviation of several trainings."""
    results: Course = ()
    """Single results."""
    course: Course = ()
    """The lowest error so far, had searches and trainings been made one after another."""


def scatters(comparisons: Sequence[Comparison]) -> Iterator[tuple[str, Figure]]:
    """Draw a figure for each column and size or cost that has at least two points; yields it with its title.

    Points carry the numbers of their rows, from 1. A line joins the measured point of a row with the paper's.
    """
    for index, first in enumerate(comparisons[0].results):
        results = [comparison.results[index] for comparison in comparisons]
        for size, label in SIZES.items():
            printed = list(_printed(comparisons, results, size))
            measured = list(_measured(results, size))
            if len(printed) + len(measured) > 1:
                title = f"{first.column.heading}: test error against {label.split(' (')[0].lower()}"
                yield title, _figure(title, label, printed, measured)
        rows = [(number, each, each.compared or each.shown) for number, each in enumerate(results, 1)]
        lines = [(number, row, each.errors(row)) for number, each, row in rows if row]
        yield from costs(first.column.heading, lines)


def costs(heading: str, lines: Sequence[tuple[int, Row, Sequence[float]]]) -> Iterator[tuple[str, Figure]]:
    """Draw test errors against the cost of one tested network, if at least two rows have both.

    Args:
        heading: name of the column or dataset.
        lines: number of each row in the table, its results, and the test error of each in percent.
    """
    points = [_costly(number, row, errors) for number, row, errors in lines if row.spent.trainings]
    if len(points) > 1:
        title = f"{heading}: test error against cost"
        yield title, _figure(title, COST, [], points)


def _costly(number: int, row: Row, errors: Sequence[float]) -> Point:
    """Place a row by its cost; rows of independent searches or draws have a course."""
    trainings = row.spent.trainings
    searched = row.spent.end_to_end - fmean(trainings)
    single = [(searched + training) / HOUR for training in trainings]
    course = zip(accumulate(single), accumulate(errors, min), strict=True) if row.independent else ()
    results = tuple(zip(single, errors, strict=True))
    return Point(number, row.spent.end_to_end / HOUR, fmean(errors), deviation(errors), results, tuple(course))


def _printed(comparisons: Sequence[Comparison], results: Sequence[Result], size: str) -> Iterator[Point]:
    """Yield the paper's points, each with the number of the first row that quotes it."""
    seen = set()
    for number, (comparison, result) in enumerate(zip(comparisons, results, strict=True), 1):
        printed = comparison.printed
        millions = printed and (printed.params if size == "parameters" else printed.madds)
        if printed and millions and result.printed is not None and printed.architecture not in seen:
            seen.add(printed.architecture)
            yield Point(number, millions, result.printed)


def _measured(results: Sequence[Result], size: str) -> Iterator[Point]:
    for number, result in enumerate(results, 1):
        if result.shown and result.shown.tests:
            errors = result.errors(result.shown)
            millions = fmean(getattr(test, size) for test in result.shown.evaluations) / 1e6
            yield Point(number, millions, fmean(errors), deviation(errors))


def _figure(title: str, label: str, printed: Sequence[Point], measured: Sequence[Point]) -> Figure:
    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0.11, 0.12, 0.86, 0.74))
        figure.suptitle(title, x=0.02, y=0.98, ha="left", size=10, weight="bold", parse_math=False)
        axes.set_xscale("log")
        axes.set_xlabel(label)
        axes.set_ylabel("test error (%)")
        theirs = {point.number: point for point in printed}
        for point in measured:
            if point.number in theirs:
                other = theirs[point.number]
                axes.plot([point.size, other.size], [point.error, other.error], color=FAINT, linewidth=0.8, zorder=1)
        axes.plot([p.size for p in printed], [p.error for p in printed], "o", mfc="white", mec=PRINTED, ms=5, zorder=2)
        for point in measured:
            for size, error in point.results:
                axes.plot(size, error, ".", color=HERE, alpha=0.5, ms=5, mew=0, zorder=2)
            _draw_course(axes, point)
            axes.errorbar(point.size, point.error, point.spread, fmt="o", color=HERE, ms=5, capsize=2, lw=1, zorder=3)
        _mark_sizes(axes, [x for point in (*printed, *measured) for x in (point.size, *dict(point.course))])
        _name_points(axes, printed, measured)
        handles = [Line2D([], [], marker="o", ls="", color=HERE, label="measured here (bar: standard deviation)")]
        if printed:
            label = "printed in the paper"
            handles.insert(0, Line2D([], [], marker="o", ls="", mfc="white", mec=PRINTED, label=label))
        if any(point.course for point in measured):
            handles.append(Line2D([], [], color=COURSE, label="lowest so far"))
        figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.09, 0.945), ncols=2, handletextpad=0.1)
    return figure


def _draw_course(axes: Axes, point: Point) -> None:
    """Draw the lowest error so far."""
    if point.course:
        costs, lowest = zip(*point.course, strict=True)
        axes.plot(costs, lowest, drawstyle="steps-post", color=COURSE, lw=1, zorder=1)


def _name_points(axes: Axes, printed: Sequence[Point], measured: Sequence[Point]) -> None:
    """Write the number of each row beside its point and at the end of its course, where least else is nearby."""
    points = [*printed, *measured]
    taken = [_place(axes, point.size, point.error) for point in points]
    taken += [place for point in measured for place in _along_bar(axes, point)]
    colors = [PRINTED] * len(printed) + [HERE] * len(measured)
    named = [
        (point.number, (point.size, point.error), AROUND, color) for point, color in zip(points, colors, strict=True)
    ]
    named += [(point.number, point.course[-1], BEHIND, COURSE) for point in measured if point.course]
    for number, place, offsets, color in named:
        x, y = _place(axes, *place)
        right, up = min(offsets, key=lambda offset: _crowding((x + offset[0], y + offset[1]), taken))
        taken.append((x + right, y + up))
        axes.annotate(
            str(number),
            place,
            xytext=(right, up),
            textcoords="offset points",
            ha="center",
            va="center",
            size=7,
            color=color,
        )


def _place(axes: Axes, size: float, error: float) -> tuple[float, float]:
    """Position in typographic points."""
    x, y = axes.transData.transform((size, error)) * 72 / axes.figure.dpi
    return x, y


def _along_bar(axes: Axes, point: Point) -> Iterator[tuple[float, float]]:
    """Yield positions along the bar of a point."""
    if point.spread is not None:
        x, low = _place(axes, point.size, point.error - point.spread)
        _, high = _place(axes, point.size, point.error + point.spread)
        for step in range(0, int(high - low), int(NEAR / 2)):
            yield x, low + step


def _crowding(position: tuple[float, float], taken: Sequence[tuple[float, float]]) -> float:
    """Sum of the distances by which points and numbers reach into the space around a position."""
    return sum(max(0.0, NEAR - hypot(position[0] - x, position[1] - y)) for x, y in taken)


def _mark_sizes(axes: Axes, sizes: Sequence[float]) -> None:
    """Label a logarithmic axis with plain numbers, even if it is short."""
    axes.set_xlim(0.88 * min(sizes), 1.12 * max(sizes))
    ratio = max(sizes) / min(sizes)
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if ratio > 30 else (1, 2, 3, 5) if ratio > 2 else range(1, 10)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(color=FAINT, alpha=0.35, linewidth=0.6)
    axes.tick_params(color=INK)
