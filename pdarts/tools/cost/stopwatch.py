"""A journal that is a stopwatch: with it the real loops time their own iterations, and end after a few."""

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pdarts.engine.graphs import EAGER_CALLS
from pdarts.engine.journal import Journal
from pdarts.engine.provenance import peak_memory
from pdarts.engine.resume_file import ResumeFile

WARM_UP = 2
"""First iterations, which do not count; one if iterations are slow. The very first shows the cost of a start."""
STEPS = 5
"""Largest number of iterations that count."""


class Enough(Exception):
    """Enough iterations have been timed."""


class Together:
    """Copies of the same work, each in a process of its own, which share a device while they are timed.

    None begins to count before all are there, and none stops computing before all have counted enough. Every process
    gets a copy of this, and times the same kinds of iterations in the same order.
    """

    def __init__(self, copies: int, context: BaseContext) -> None:
        self.copies, self.rounds = copies, 0
        self._barrier, self._ended = context.Barrier(copies), context.Value("i", 0)

    def meet(self) -> None:
        """Wait for all copies."""
        self.rounds += 1
        self._barrier.wait()

    def end(self) -> None:
        """Say that this copy has counted enough since the last meeting."""
        with self._ended.get_lock():
            self._ended.value += 1

    def ended(self) -> bool:
        """Whether all copies have."""
        return self._ended.value >= self.rounds * self.copies


class Stopwatch(Journal):
    """A journal that writes nothing: it times every iteration, and ends the loop when there are enough.

    Args:
        device: what computes.
        limit: seconds after which no further iteration begins.
        together: copies of the work that compute at the same time; None if there are none.
        recorded: whether iterations become graphs. The limit then begins when they have been compiled and recorded.
    """

    def __init__(
        self, device: torch.device, limit: float, together: Together | None = None, recorded: bool = False
    ) -> None:
        self.device, self.limit, self.together, self.enough = device, limit, together, False
        self.recorded, self.warm_up = recorded, EAGER_CALLS + 1 if recorded else WARM_UP
        self.fewest = self.warm_up + 1 if recorded else 2
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
        if len(self.seconds) == self.warm_up:
            if self.together:
                self.together.meet()
            self.started = time.perf_counter() - (0 if self.recorded else present - self.started)
        late = present - self.started > self.limit and len(self.seconds) >= self.fewest
        if not self.enough and (late or len(self.seconds) == self.warm_up + STEPS):
            self.enough = True
            if self.together:
                self.together.end()
        if self.enough and (self.together is None or self.together.ended()):
            raise Enough
        self.last = time.perf_counter()

    def result(self) -> dict[str, Any]:
        """Return the number, median, minimum and maximum of times that count, the very first time, and peak memory."""
        counted = self.seconds[self.warm_up : self.warm_up + STEPS] or self.seconds[1:]
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
