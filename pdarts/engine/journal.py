"""Where the numbers of a long step go: its metrics file, the terminal or log, and W&B."""

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
    """Takes the metrics of every epoch; in process 0, while the others stay silent.

    Args:
        path: JSON lines, one an epoch; written anew with every epoch.
        tracker: the step's run.
        progress: what is shown.
    """

    def __init__(self, path: Path, tracker: Tracker, progress: Progress) -> None:
        self.path, self.tracker, self.progress = path, tracker, progress
        self.lines: list[str] = []
        """What the file holds."""
        self.tracked: list[dict[str, float | None]] = []
        """What W&B was given of each epoch."""

    def begin(self, run_id: str, lines: Sequence[str], tracked: Sequence[Mapping[str, float | None]]) -> None:
        """Start the files, behind the epochs of earlier processes; give W&B what of these did not reach it.

        Args:
            run_id: of the step's run.
            lines: what `lines` was.
            tracked: what `tracked` was.
        """
        if distributed.rank() > 0:
            return
        self.lines, self.tracked = list(lines), list(map(dict, tracked))
        self.progress.skip(len(lines))
        write_text(self.path, "".join(self.lines))
        self.tracker.start(run_id)
        for step, numbers in enumerate(self.tracked, 1):
            self.tracker.log(numbers, step=step)

    def step(self, epoch: int, step: int, loss: Tensor) -> None:
        """Note that a step is done; both counts from 0."""
        if distributed.rank() == 0:
            self.progress.step(epoch + 1, step + 1, loss)

    def epoch(self, epoch: int, metrics: Mapping[str, Any], tracked: Mapping[str, float] | None = None) -> None:
        """Note that `epoch` (from 0) is done.

        Args:
            epoch: its number.
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
        self.tracker.log(self.tracked[-1], step=epoch + 1)
        shown = ("train_loss", "train_accuracy", "valid_accuracy")
        self.progress.epoch(epoch + 1, ", ".join(f"{key} {numbers[key]:.4g}" for key in shown if key in numbers))

    def stop(self) -> None:
        """End the run for now: the step continues in another process."""
        self.tracker.finish(RETRY)
