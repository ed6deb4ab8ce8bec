"""Lays out axes on which the epochs of a search's stages follow one another."""

from collections.abc import Sequence
from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pdarts.reporting.figures import FAINT
from pdarts.reporting.searches import Stage


def numbers_of(stages: Sequence[Stage]) -> list[list[int]]:
    """Numbers of each stage's epochs; counting does not start again with a stage."""
    starts = accumulate((len(epochs) for _, epochs in stages), initial=0)
    return [[start + epoch.epoch for epoch in epochs] for start, (_, epochs) in zip(starts, stages, strict=False)]


def mark_stages(axes: Axes, stages: Sequence[Stage]) -> None:
    """Shade the frozen epochs of each stage, and draw a line where a stage begins."""
    everything = numbers_of(stages)
    axes.set_xlim(0.5, everything[-1][-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for numbers, (result, _) in zip(everything, stages, strict=True):
        axes.axvspan(numbers[0] - 0.5, numbers[0] - 0.5 + result.settings.frozen_epochs, color=FAINT, alpha=0.2, lw=0)
        axes.axvline(numbers[0] - 0.5, color=FAINT, linewidth=0.8)


def head(axes: Axes, title: str, pad: float = 24) -> None:
    """Write a title over the left end of axes."""
    axes.set_title(title, loc="left", size=9.5, weight="bold", pad=pad)
