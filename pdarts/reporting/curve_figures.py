"""Draws the metrics of searches and trainings, epoch by epoch."""

from collections.abc import Callable, Sequence
from math import nan
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory

from pdarts.errors import counted
from pdarts.reporting.figures import INK, OPERATION_COLORS, style
from pdarts.reporting.searches import Stage, Trace
from pdarts.reporting.stage_axes import head, mark_stages, numbers_of
from pdarts.reporting.trace_panels import align, draw_trace, explain_lines
from pdarts.reporting.training_files import TrainingEpoch
from pdarts.space.topology import EDGES, INPUTS, KINDS, NODES

Run = Sequence[TrainingEpoch]

TRAIN, VALID, DROP = "#1f5fa8", "#c0392b", OPERATION_COLORS["skip_connect"]
"""Colours: images that train network weights, images that train alphas, rates of dropout and drop path."""

LEFT, RIGHT = 0.05, 0.955
"""Edges of the panels, as fractions of a figure's width."""


def search_curves(title: str, stages: Sequence[Stage], trace: Trace) -> Figure:
    """Draw losses, accuracies and schedules of all stages in a row, what the weights stand for, and every edge's.

    The panel of an edge stands in the column of its source and the row of its target. The line of an operation ends
    with the stage that drops it.

    Args:
        title: the figure's title.
        stages: result and epochs of each stage, in order.
        trace: the cells that their weights stand for.
    """
    with style():
        figure = Figure(figsize=(12, 10.9))
        figure.suptitle(title, x=0.012, y=0.988, ha="left", size=12, weight="bold", parse_math=False)
        _draw_progress(figure, [stages], top=0.911, bottom=0.752)
        grid = figure.add_gridspec(1, 3, left=LEFT, right=RIGHT, top=0.662, bottom=0.557, wspace=0.28)
        panels = [figure.add_subplot(grid[0, index]) for index in range(3)]
        draw_trace(panels, stages, trace)
        explain_lines(figure, RIGHT, 0.715)
        found = stages[0][0].cells.normal[0].weights
        names = [
            *(name for name in OPERATION_COLORS if name in found),
            *(name for name in found if name not in OPERATION_COLORS),
        ]
        handles = [Line2D([], [], color=OPERATION_COLORS[name], label=name, linewidth=2) for name in names]
        epochs = [epoch.architecture_weights for _, epochs in stages for epoch in epochs]
        highest = max(weight for cells in epochs for rows in cells.values() for row in rows for weight in row)
        for kind, left, right in zip(KINDS, (LEFT, 0.545), (0.46, RIGHT), strict=True):
            figure.text(left, 0.486, f"Architecture weights, {kind} cell", size=9.5, weight="bold")
            grid = figure.add_gridspec(
                len(NODES), NODES[-1], left=left, right=right, top=0.452, bottom=0.0385, wspace=0.12, hspace=0.16
            )
            panels = [figure.add_subplot(grid[target - INPUTS, source]) for source, target in EDGES]
            _draw_weights(panels, kind, stages, highest)
            figure.legend(handles=handles, loc="upper right", bbox_to_anchor=(right, 0.461), ncols=2, handlelength=1.2)
    return figure


def searches_curves(title: str, searches: Sequence[Sequence[Stage]], traces: Sequence[Trace]) -> Figure:
    """Draw losses, accuracies and schedules of searches that differ in their seed: thin lines, with a thick mean.

    Below, what the weights of each search stand for has a column for each seed.

    Args:
        title: the figure's title.
        searches: stages of each search, all with the same numbers of epochs.
        traces: the cells that the weights of each search stand for.
    """
    with style():
        figure = Figure(figsize=(12, 8.2))
        text = f"{title}: mean and range of {len(searches)} searches"
        figure.suptitle(text, x=0.012, y=0.985, ha="left", size=12, weight="bold", parse_math=False)
        _draw_progress(figure, searches, top=0.887, bottom=0.633)
        grid = figure.add_gridspec(
            3, len(searches), left=LEFT, right=RIGHT, top=0.5, bottom=0.06, wspace=0.1, hspace=0.45
        )
        columns = [[figure.add_subplot(grid[row, column]) for row in range(3)] for column in range(len(searches))]
        for column, stages, trace in zip(columns, searches, traces, strict=True):
            draw_trace(column, stages, trace)
        align(columns, [f"seed {stages[0][0].provenance.seed}" for stages in searches])
        explain_lines(figure, RIGHT, 0.56)
    return figure


def training_curves(title: str, runs: Sequence[Run]) -> Figure:
    """Draw loss, accuracy and schedules of trainings that differ in their seed: thin lines, with a thick mean.

    Args:
        title: the figure's title.
        runs: epochs of each training, all of the same number.
    """
    with style():
        figure = Figure(figsize=(12, 3.1))
        figure.suptitle(title, x=0.012, y=0.97, ha="left", size=12, weight="bold", parse_math=False)
        grid = figure.add_gridspec(1, 3, left=LEFT, right=RIGHT, top=0.79, bottom=0.15, wspace=0.28)
        loss, accuracy, schedule = (figure.add_subplot(grid[0, index]) for index in range(3))
        head(loss, "Training loss", pad=8)
        _draw_runs(loss, runs, lambda epoch: epoch.train_loss)
        loss.set_ylim(bottom=0)
        head(accuracy, "Training accuracy (%)", pad=8)
        _draw_runs(accuracy, runs, lambda epoch: epoch.train_accuracy)
        head(schedule, "Schedules", pad=8)
        dropping = _schedule_axes(schedule, "drop path")
        numbers = [epoch.epoch for epoch in runs[0]]
        schedule.plot(numbers, [epoch.learning_rate for epoch in runs[0]], color=INK)
        dropping.plot(numbers, [epoch.drop_path for epoch in runs[0]], color=DROP)
        for axes in (loss, accuracy, schedule):
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _draw_runs(axes: Axes, runs: Sequence[Run], measure: Callable[[TrainingEpoch], float]) -> None:
    label = f"mean and range of {len(runs)} trainings" if len(runs) > 1 else "1 training"
    numbers = [epoch.epoch for epoch in runs[0]]
    _draw_band(axes, numbers, [[measure(epoch) for epoch in run] for run in runs], TRAIN, label=label)
    axes.legend()


def _draw_band(
    axes: Axes, numbers: Sequence[int], courses: Sequence[Sequence[float]], color: str, mark: str = "", label: str = ""
) -> None:
    """Draw the mean over seeds at each epoch; of several seeds also the line of each and the range between them."""
    by_epoch = list(zip(*courses, strict=True))
    if len(courses) > 1:
        lowest, highest = [min(values) for values in by_epoch], [max(values) for values in by_epoch]
        axes.fill_between(numbers, lowest, highest, color=color, alpha=0.15, linewidth=0)
        axes.plot(numbers, by_epoch, color=color, linewidth=0.5, alpha=0.7)
    axes.plot(numbers, [fmean(values) for values in by_epoch], f"{mark}-", color=color, linewidth=1.5, label=label)


def _draw_progress(figure: Figure, searches: Sequence[Sequence[Stage]], top: float, bottom: float) -> None:
    """Draw three panels between two heights of a figure, below their legend."""
    stages = searches[0]
    images = {"images that train network weights": TRAIN, "images that train alphas": VALID}
    halves = [Line2D([], [], color=color, label=label, linewidth=2) for label, color in images.items()]
    figure.legend(handles=halves, loc="upper right", bbox_to_anchor=(RIGHT, 0.995), ncols=2, handlelength=1.2)
    grid = figure.add_gridspec(1, 3, left=LEFT, right=RIGHT, top=top, bottom=bottom, wspace=0.28)
    loss, accuracy, schedule = panels = [figure.add_subplot(grid[0, index]) for index in range(3)]
    head(loss, "Loss")
    head(accuracy, "Accuracy (%)")
    head(schedule, "Schedules")
    dropping = _schedule_axes(schedule, "skip dropout")
    for index, numbers in enumerate(numbers_of(stages)):
        alike = [search[index][1] for search in searches]
        _draw_band(loss, numbers, [[epoch.train_loss for epoch in epochs] for epochs in alike], TRAIN)
        _draw_band(loss, numbers, [[_or_gap(epoch.valid_loss) for epoch in epochs] for epochs in alike], VALID, ".")
        _draw_band(accuracy, numbers, [[epoch.train_accuracy for epoch in epochs] for epochs in alike], TRAIN)
        valid = [[_or_gap(epoch.valid_accuracy) for epoch in epochs] for epochs in alike]
        _draw_band(accuracy, numbers, valid, VALID, ".")
        schedule.plot(numbers, [epoch.learning_rate for epoch in alike[0]], color=INK)
        dropping.plot(numbers, [epoch.skip_dropout for epoch in alike[0]], color=DROP)
    for axes in panels:
        mark_stages(axes, stages)
        axes.set_xlabel("epoch (shaded: alphas frozen)")
        over_stages = blended_transform_factory(axes.transData, axes.transAxes)
        for numbers, (result, _) in zip(numbers_of(stages), stages, strict=True):
            name = f"stage {result.stage}\n{counted(result.settings.cells, 'cell')}, {result.settings.operations} op."
            axes.text(numbers[0] - 0.5, 1.02, name, size=6.5, linespacing=1.1, transform=over_stages)


def _draw_weights(panels: Sequence[Axes], kind: str, stages: Sequence[Stage], highest: float) -> None:
    """Draw a panel for each edge; all have the same scale, and only the outermost are labelled."""
    for index, (axes, (source, target)) in enumerate(zip(panels, EDGES, strict=True)):
        for numbers, (result, epochs) in zip(numbers_of(stages), stages, strict=True):
            names = getattr(result.cells, kind)[index].weights
            rows = [epoch.architecture_weights[kind][index] for epoch in epochs]
            for name, course in zip(names, zip(*rows, strict=True), strict=True):
                axes.plot(numbers, course, color=OPERATION_COLORS[name], linewidth=1.1)
        mark_stages(axes, stages)
        axes.set_ylim(0, 1.05 * highest)
        axes.tick_params(labelleft=source == 0, labelbottom=target == NODES[-1], labelsize=6.5, length=2)
        if target == max(INPUTS, source + 1):
            axes.set_title(f"from {_name(source)}", size=8)
        if source == 0:
            axes.set_ylabel(f"to {_name(target)}", size=8)


def _name(node: int) -> str:
    return ("$c_{k-2}$", "$c_{k-1}$")[node] if node < INPUTS else str(node - INPUTS)


def _or_gap(value: float | None) -> float:
    return nan if value is None else value


def _schedule_axes(axes: Axes, rate: str) -> Axes:
    """Label `axes` for the learning rate, and return a second pair of axes over it for `rate`."""
    axes.set_ylabel("learning rate")
    twin = axes.twinx()
    twin.spines["right"].set_visible(True)
    twin.set_ylabel(rate, color=DROP)
    twin.set_ylim(0, 1)
    twin.tick_params(colors=DROP)
    return twin
