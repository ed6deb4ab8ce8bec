"""A journal that is a stopwatch: with it the real loops time their own iterations, and end after a few."""

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pdarts.engine.journal import Journal
from pdarts.engine.provenance import peak_memory
from pdarts.engine.resume_file import ResumeFile

WARM_UP = 2
"""First iterations, which do not count; one if iterations are slow. The very first shows the cost of a start."""
STEPS = 5
"""Largest number of iterations that count."""


class Enough(Exception):
    """Enough iterations have been timed."""


class Stopwatch(Journal):
    """A journal that writes nothing: it times every iteration, and ends the loop when there are enough."""

    def __init__(self, device: torch.device, limit: float) -> None:
        self.device, self.limit = device, limit
        self.lines: list[str] = []
        self.tracked: list[dict[str, float | None]] = []
        self.seconds: list[float] = []
        self.started = self.last = time.perf_counter()

    def begin(self, run_id: str, lines: Sequence[str], tracked: Sequence[Mapping[str, float | None]]) -> None:
        """Do nothing."""

    def iteration(self, epoch: int, number: int, loss: Tensor) -> None:
        """Note the time of an iteration."""
        self.lap()

    def epoch(self, epoch: int, metrics: Mapping[str, Any], tracked: Mapping[str, float] | None = None) -> None:
        """Do nothing: an epoch has a single iteration."""

    def stop(self) -> None:
        """Do nothing."""

    def fail(self) -> None:
        """Do nothing."""

    def lap(self) -> None:
        """Note the time since the last call.

        Raises:
            Enough: if all iterations are done, or the time limit has passed and one iteration counts.
        """
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        present = time.perf_counter()
        self.seconds.append(present - self.last)
        self.last = present
        if len(self.seconds) == WARM_UP + STEPS or (present - self.started > self.limit and len(self.seconds) > 1):
            raise Enough

    def result(self) -> dict[str, Any]:
        """Return the number, median, minimum and maximum of times that count, the very first time, and peak memory."""
        counted = self.seconds[WARM_UP:] or self.seconds[1:]
        return {
            "n": len(counted),
            "median": statistics.median(counted),
            "min": min(counted),
            "max": max(counted),
            "first": self.seconds[0],
            "memory": peak_memory(self.device),
        }


class NoResumeFile(ResumeFile):
    """A resume file that holds nothing and keeps nothing."""

    def __init__(self) -> None:
        """Take no path, since there is no file."""
        self.path = Path(os.devnull)

    def note_failure(self, message: str) -> None:
        """Keep nothing."""

    def save(self, content: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def load(self) -> None:
        """Return None, so that work starts anew."""
