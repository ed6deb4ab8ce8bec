"""Reads the files of whole searches, and says when a search settled on its cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pdarts.errors import InputError, counted
from pdarts.reporting.result_files import read, read_lines
from pdarts.reporting.search_files import StageEpoch, StageResult, TraceEpoch
from pdarts.space.genotype import Edge, Genotype
from pdarts.space.topology import KINDS

Stage = tuple[StageResult, Sequence[StageEpoch]]
"""A stage's result and its epochs."""


def read_stages(stages: Sequence[Path], metrics: Sequence[Path]) -> list[Stage]:
    """Read stages of one or several searches.

    Args:
        stages: stage files.
        metrics: the metrics file of each.

    Raises:
        InputError: if there are not as many of one as of the other, or two do not belong together.
    """
    if len(metrics) != len(stages):
        raise InputError(
            f"--stages names {counted(len(stages), 'file')}, --metrics {len(metrics)}; give one of each per stage"
        )
    found: list[Stage] = []
    for stage_path, metrics_path in zip(stages, metrics, strict=True):
        result = read(StageResult, stage_path, "stage file", "pdarts.search")
        epochs = read_lines(StageEpoch, metrics_path, "metrics file of a search", "pdarts.search")
        operations = {len(row) for epoch in epochs for rows in epoch.architecture_weights.values() for row in rows}
        if len(epochs) != result.epochs or operations != {result.settings.operations}:
            raise InputError(f"{metrics_path} is not of the stage in {stage_path}; name both in the order of stages")
        found.append((result, epochs))
    return found


@dataclass(frozen=True)
class Trace:
    """The cells that a search stood for, epoch by epoch; epochs are numbered through all stages, from 1."""

    epochs: Sequence[TraceEpoch]

    @cached_property
    def cells(self) -> list[tuple[frozenset[Edge], ...] | None]:
        """The edges of each epoch's normal and reduction cell."""
        return [None if epoch.genotype is None else _cells(epoch.genotype) for epoch in self.epochs]

    @property
    def changes(self) -> list[int]:
        """Numbers of the epochs of which either cell is another one than that of the epoch before."""
        pairs = enumerate(zip(self.cells, self.cells[1:], strict=False), 2)
        return [number for number, (before, after) in pairs if before != after]

    @property
    def settled(self) -> int:
        """Number of the epoch from which on both cells are those that were found."""
        return max(self.changes, default=1)

    @property
    def ends(self) -> list[TraceEpoch]:
        """The last epoch of each stage."""
        return list({epoch.stage: epoch for epoch in self.epochs}.values())


def _cells(values: dict[str, Any]) -> tuple[frozenset[Edge], ...]:
    genotype = Genotype.parse(values, "trace")
    return tuple(frozenset(genotype.cell(kind).edges) for kind in KINDS)


def read_trace(path: Path) -> Trace:
    """Read the trace of a search.

    Raises:
        InputError: if the file is missing or another one.
    """
    return Trace(read_lines(TraceEpoch, path, "trace of a search", "pdarts.trace"))
