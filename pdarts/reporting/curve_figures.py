"""Draws the metrics of searches and trainings, epoch by epoch."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import nan
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory

from pdarts.reporting.figures import FAINT, INK, OPERATION_COLORS, style
from pdarts.reporting.grid import counted
from pdarts.reporting.result_files import StageEpoch, StageResult, TrainingEpoch
from pdarts.space.topology import EDGES, INPUTS, KINDS, NODES

Stage = tuple[StageResult, Sequence[StageEpoch]]
Run = Sequence[TrainingEpoch]

TRAIN, VALID, DROP = "#1f5fa8", "#c0392b", OPERATION_COLORS["skip_connect"]
"""Colours: images that train network weights, images that train alphas, rates of dropout and drop path."""

LEFT, RIGHT = 0.05, 0.955
"""Edges of the panels, as fractions of a figure's width."""


def search_curves(title: str, stages: Sequence[Stage]) -> Figure:
    """Draw losses, accuracies and schedules of all stages in a row, and the architecture weights of every edge.

    The panel of an edge stands in the column of its source and the row of its target. The line of an operation ends
    with the stage that drops it.

    Args:
        title: the figure's title.
        stages: result and epochs of each stage, in order.
    """
    with style():
        figure = Figure(figsize=(12, 8.4))
        figure.suptitle(title, x=0.012, y=0.985, ha="left", size=12, weight="bold", parse_math=False)
        _draw_progress(figure, [stages], top=0.885, bottom=0.678)
        found = stages[0][0].cells.normal[0].weights
        names = [
            *(name for name in OPERATION_COLORS if name in found),
            *(name for name in found if name not in OPERATION_COLORS),
        ]
        handles = [Line2D([], [], color=OPERATION_COLORS[name], label=name, linewidth=2) for name in names]
        epochs = [epoch.architecture_weights for _, epochs in stages for epoch in epochs]
        highest = max(weight for cells in epochs for rows in cells.values() for row in rows for weight in row)
        for kind, left, right in zip(KINDS, (LEFT, 0.545), (0.46, RIGHT), strict=True):
            figure.text(left, 0.6, f"Architecture weights, {kind} cell", size=9.5, weight="bold")
            grid = figure.add_gridspec(
                len(NODES), NODES[-1], left=left, right=right, top=0.56, bottom=0.05, wspace=0.12, hspace=0.16
            )
            panels = [figure.add_subplot(grid[target - INPUTS, source]) for source, target in EDGES]
            _draw_weights(panels, kind, stages, highest)
            figure.legend(handles=handles, loc="upper right", bbox_to_anchor=(right, 0.57), ncols=2, handlelength=1.2)
    return figure


def searches_curves(title: str, searches: Sequence[Sequence[Stage]]) -> Figure:
    """Draw losses, accuracies and schedules of searches that differ in their seed: thin lines, with a thick mean.

    Args:
        title: the figure's title.
        searches: stages of each search, all with the same numbers of epochs.
    """
    with style():
        figure = Figure(figsize=(12, 3.5))
        text = f"{title}: mean and range of {len(searches)} searches"
        figure.suptitle(text, x=0.012, y=0.97, ha="left", size=12, weight="bold", parse_math=False)
        _draw_progress(figure, searches, top=0.735, bottom=0.14)
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
        _head(loss, "Training loss", pad=8)
        _draw_runs(loss, runs, lambda epoch: epoch.train_loss)
        loss.set_ylim(bottom=0)
        _head(accuracy, "Training accuracy (%)", pad=8)
        _draw_runs(accuracy, runs, lambda epoch: epoch.train_accuracy)
        _head(schedule, "Schedules", pad=8)
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
    _head(loss, "Loss")
    _head(accuracy, "Accuracy (%)")
    _head(schedule, "Schedules")
    dropping = _schedule_axes(schedule, "skip dropout")
    for index, numbers in enumerate(_numbers(stages)):
        alike = [search[index][1] for search in searches]
        _draw_band(loss, numbers, [[epoch.train_loss for epoch in epochs] for epochs in alike], TRAIN)
        _draw_band(loss, numbers, [[_or_gap(epoch.valid_loss) for epoch in epochs] for epochs in alike], VALID, ".")
        _draw_band(accuracy, numbers, [[epoch.train_accuracy for epoch in epochs] for epochs in alike], TRAIN)
        valid = [[_or_gap(epoch.valid_accuracy) for epoch in epochs] for epochs in alike]
        _draw_band(accuracy, numbers, valid, VALID, ".")
        schedule.plot(numbers, [epoch.learning_rate for epoch in alike[0]], color=INK)
        dropping.plot(numbers, [epoch.skip_dropout for epoch in alike[0]], color=DROP)
    for axes in panels:
        _mark_stages(axes, stages)
        axes.set_xlabel("epoch (shaded: alphas frozen)")
        over_stages = blended_transform_factory(axes.transData, axes.transAxes)
        for numbers, (result, _) in zip(_numbers(stages), stages, strict=True):
            name = f"stage {result.stage}\n{counted(result.settings.cells, 'cell')}, {result.settings.operations} op."
            axes.text(numbers[0] - 0.5, 1.02, name, size=6.5, linespacing=1.1, transform=over_stages)


def _draw_weights(panels: Sequence[Axes], kind: str, stages: Sequence[Stage], highest: float) -> None:
    """Draw a panel for each edge; all have the same scale, and only the outermost are labelled."""
    for index, (axes, (source, target)) in enumerate(zip(panels, EDGES, strict=True)):
        for numbers, (result, epochs) in zip(_numbers(stages), stages, strict=True):
            names = getattr(result.cells, kind)[index].weights
            rows = [epoch.architecture_weights[kind][index] for epoch in epochs]
            for name, course in zip(names, zip(*rows, strict=True), strict=True):
                axes.plot(numbers, course, color=OPERATION_COLORS[name], linewidth=1.1)
        _mark_stages(axes, stages)
        axes.set_ylim(0, 1.05 * highest)
        axes.tick_params(labelleft=source == 0, labelbottom=target == NODES[-1], labelsize=6.5, length=2)
        if target == max(INPUTS, source + 1):
            axes.set_title(f"from {_name(source)}", size=8)
        if source == 0:
            axes.set_ylabel(f"to {_name(target)}", size=8)


def _name(node: int) -> str:
    return ("$c_{k-2}$", "$c_{k-1}$")[node] if node < INPUTS else str(node - INPUTS)


def _mark_stages(axes: Axes, stages: Sequence[Stage]) -> None:
    everything = _numbers(stages)
    axes.set_xlim(0.5, everything[-1][-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for numbers, (result, _) in zip(everything, stages, strict=True):
        axes.axvspan(numbers[0] - 0.5, numbers[0] - 0.5 + result.settings.frozen_epochs, color=FAINT, alpha=0.2, lw=0)
        axes.axvline(numbers[0] - 0.5, color=FAINT, linewidth=0.8)


def _numbers(stages: Sequence[Stage]) -> list[list[int]]:
    """Numbers of each stage's epochs; counting does not start again with a stage."""
    starts = accumulate((len(epochs) for _, epochs in stages), initial=0)
    return [[start + epoch.epoch for epoch in epochs] for start, (_, epochs) in zip(starts, stages, strict=False)]


def _or_gap(value: float | None) -> float:
    return nan if value is None else value


def _head(axes: Axes, title: str, pad: float = 24) -> None:
    axes.set_title(title, loc="left", size=9.5, weight="bold", pad=pad)


def _schedule_axes(axes: Axes, rate: str) -> Axes:
    """Label `axes` for the learning rate, and return a second pair of axes over it for `rate`."""
    axes.set_ylabel("learning rate")
    twin = axes.twinx()
    twin.spines["right"].set_visible(True)
    twin.set_ylabel(rate, color=DROP)
    twin.set_ylim(0, 1)
    twin.tick_params(colors=DROP)
    return twin
