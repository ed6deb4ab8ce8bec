"""Where the numbers of a long step go: its metrics file, the terminal or log, and W&B."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from pdarts.engine.files import write_text
from pdarts.engine.progress import Progress
from pdarts.engine.tracking import Tracker


class Journal:
    """Takes the metrics of every epoch.

    Args:
        path: JSON lines, one an epoch; written anew with every epoch.
        tracker: the step's run.
        progress: what is shown.

    Raises:
        OSError: if `path` cannot be written.
    """

    def __init__(self, path: Path, tracker: Tracker, progress: Progress) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.tracker, self.progress = path, tracker, progress
        self.lines: list[str] = []
        """What the file holds."""
        path.write_text("")

    def restore(self, lines: Sequence[str]) -> None:
        """Continue behind the epochs of an earlier process."""
        self.lines = list(lines)
        self.progress.skip(len(lines))
        write_text(self.path, "".join(self.lines))

    def step(self, epoch: int, step: int, loss: Tensor) -> None:
        """Note that a step is done; both counts from 0."""
        self.progress.step(epoch + 1, step + 1, loss)

    def epoch(self, epoch: int, metrics: Mapping[str, Any], tracked: Mapping[str, float] | None = None) -> None:
        """Note that `epoch` (from 0) is done.

        Args:
            epoch: its number.
            metrics: its line of the file; numbers at the top level go to W&B too.
            tracked: more numbers for W&B, by readable names.
        """
        self.lines.append(json.dumps({"epoch": epoch + 1, **metrics}, allow_nan=False) + "\n")
        write_text(self.path, "".join(self.lines))
        numbers = {key: value for key, value in metrics.items() if isinstance(value, int | float)}
        self.tracker.log({**numbers, **(tracked or {})}, step=epoch + 1)
        shown = ("train_loss", "train_accuracy", "valid_accuracy")
        self.progress.epoch(epoch + 1, ", ".join(f"{key} {numbers[key]:.4g}" for key in shown if key in numbers))
