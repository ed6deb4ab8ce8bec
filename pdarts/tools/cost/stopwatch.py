"""A journal that is a stopwatch: with it the real loops time their own steps, and end after a few."""

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pdarts.engine.journal import Journal
from pdarts.engine.provenance import peak_memory
from pdarts.engine.resume_file import ResumeFile

WARM_UP = 2
"""First steps, which do not count; one where steps are slow. The very first one tells what a process costs to start."""
STEPS = 5
"""Steps that count, at most."""


class Enough(Exception):
    """Enough steps have been timed."""


class Stopwatch(Journal):
    """A journal that writes nothing: it times every step, and ends the loop when there are enough."""

    def __init__(self, where: torch.device, limit: float) -> None:
        self.where, self.limit = where, limit
        self.lines: list[str] = []
        self.tracked: list[dict[str, float | None]] = []
        self.seconds: list[float] = []
        self.started = self.last = time.perf_counter()

    def begin(self, run_id: str, lines: Sequence[str], tracked: Sequence[Mapping[str, float | None]]) -> None:
        """There is nothing to start."""

    def iteration(self, epoch: int, number: int, loss: Tensor) -> None:
        """An iteration is done."""
        self.lap()

    def epoch(self, epoch: int, metrics: Mapping[str, Any], tracked: Mapping[str, float] | None = None) -> None:
        """An epoch is done, which has one step."""

    def stop(self) -> None:
        """There is nothing to end."""

    def lap(self) -> None:
        """Note the time since the last step.

        Raises:
            Enough: if all steps are done, or the time is over and one step counts.
        """
        if self.where.type == "cuda":
            torch.cuda.synchronize(self.where)
        present = time.perf_counter()
        self.seconds.append(present - self.last)
        self.last = present
        if len(self.seconds) == WARM_UP + STEPS or (present - self.started > self.limit and len(self.seconds) > 1):
            raise Enough

    def result(self) -> dict[str, Any]:
        """Number of steps that count, median, shortest and longest; the very first step; peak memory."""
        counted = self.seconds[WARM_UP:] or self.seconds[1:]
        return {
            "n": len(counted),
            "median": statistics.median(counted),
            "min": min(counted),
            "max": max(counted),
            "first": self.seconds[0],
            "memory": peak_memory(self.where),
        }


class NoResumeFile(ResumeFile):
    """Nothing to continue from, and nothing that is kept."""

    def __init__(self) -> None:
        """There is no file."""

    def save(self, content: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def load(self) -> None:
        """Start anew."""
