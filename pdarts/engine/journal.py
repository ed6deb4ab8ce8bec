"""The journal of a long step: its metrics file, the terminal or log, and W&B."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from pdarts.engine import distributed
from pdarts.engine.files import write_text
from pdarts.engine.progress import Progress
from pdarts.engine.termination import RETRY
from pdarts.engine.tracking import Tracker


class Journal:
    """Writes the metrics of every epoch, in process 0; other processes stay silent.

    Args:
        path: JSON lines, one an epoch; written anew with every epoch.
        tracker: the run of W&B.
        progress: shows how far the step is.
    """

    def __init__(self, path: Path, tracker: Tracker, progress: Progress) -> None:
        self.path, self.tracker, self.progress = path, tracker, progress
        self.lines: list[str] = []
        """Lines of the file, one an epoch that has ended."""
        self.tracked: list[dict[str, float | None]] = []
        """Numbers of each epoch that were sent to W&B."""

    def begin(self, run_id: str, lines: Sequence[str], tracked: Sequence[Mapping[str, float | None]]) -> None:
        """Start the file and the run after the epochs of earlier processes; W&B is sent those that did not reach it.

        Args:
            run_id: id of the run of W&B.
            lines: `lines` of the earlier process.
            tracked: `tracked` of the earlier process.
        """
        if distributed.rank() > 0:
            return
        self.lines, self.tracked = list(lines), list(map(dict, tracked))
        write_text(self.path, "".join(self.lines))
        self.tracker.start(run_id)
        for epoch, numbers in enumerate(self.tracked, 1):
            self.tracker.log(numbers, epoch)

    def iteration(self, epoch: int, number: int, loss: Tensor) -> None:
        """Note the end of an iteration; both counts from 0."""
        if distributed.rank() == 0:
            self.progress.iteration(epoch + 1, number + 1, loss)

    def epoch(self, epoch: int, metrics: Mapping[str, Any], tracked: Mapping[str, float] | None = None) -> None:
        """Note the end of an epoch.

        Args:
            epoch: its number, from 0.
            metrics: its line of the file; numbers at the top level go to W&B too.
            tracked: more numbers for W&B, by readable names.

        Raises:
            OSError: if the file cannot be written.
        """
        if distributed.rank() > 0:
            return
        self.lines.append(json.dumps({"epoch": epoch + 1, **metrics}, allow_nan=False) + "\n")
        write_text(self.path, "".join(self.lines))
        numbers = {key: value for key, value in metrics.items() if isinstance(value, int | float)}
        self.tracked.append({**numbers, **(tracked or {})})
        self.tracker.log(self.tracked[-1], epoch + 1)
        shown = ("train_loss", "train_accuracy", "valid_accuracy")
        self.progress.epoch(epoch + 1, ", ".join(f"{key} {numbers[key]:.4g}" for key in shown if key in numbers))

    def stop(self) -> None:
        """End the run of W&B for now, since another process will continue the step."""
        self.tracker.finish(RETRY)

    def fail(self) -> None:
        """End the run of W&B as failed."""
        self.tracker.finish(1)
