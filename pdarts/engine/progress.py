"""How far a long step is: one line that renews itself on a terminal, plain lines in a log."""

import sys
import time

from torch import Tensor

TERMINAL_SECONDS = 0.2
LOG_SECONDS = 20.0


class Progress:
    """Prints epoch, step, loss and the time left to standard error.

    Args:
        label: what is under way, such as `search pdarts-cifar10 seed 0 stage 2`.
        epochs: number of epochs.
        steps: steps of an epoch.
    """

    def __init__(self, label: str, epochs: int, steps: int) -> None:
        self.label, self.epochs, self.steps = label, epochs, steps
        self.terminal = sys.stderr.isatty()
        self.started = self.printed = time.monotonic()
        self.skipped = 0

    def skip(self, epochs: int) -> None:
        """Leave out of the estimate what an earlier process did."""
        self.skipped = epochs

    def step(self, epoch: int, step: int, loss: Tensor) -> None:
        """Say that `step` (from 1) of `epoch` (from 1) is done; reads `loss` only when a line is due."""
        elapsed = time.monotonic() - self.printed
        if elapsed < (TERMINAL_SECONDS if self.terminal else LOG_SECONDS):
            return
        self._print(
            f"{self._where(epoch)}, step {step}/{self.steps}: loss {loss.item():.4f}, {self._left(epoch, step)}"
        )

    def epoch(self, epoch: int, summary: str) -> None:
        """Say that `epoch` (from 1) is done."""
        self._print(f"{self._where(epoch)}: {summary}, {self._left(epoch, self.steps)}", lasting=True)

    def _where(self, epoch: int) -> str:
        return f"{self.label} | epoch {epoch}/{self.epochs}"

    def _left(self, epoch: int, step: int) -> str:
        done = ((epoch - 1 - self.skipped) * self.steps + step) / ((self.epochs - self.skipped) * self.steps)
        seconds = round((time.monotonic() - self.started) * (1 - done) / done)
        hours, minutes = seconds // 3600, seconds // 60 % 60
        return f"{hours}:{minutes:02}:{seconds % 60:02} left" if done < 1 else "done"

    def _print(self, text: str, lasting: bool = False) -> None:
        self.printed = time.monotonic()
        if self.terminal:
            text = f"\r\033[K{text}" + ("\n" if lasting else "")
        else:
            text += "\n"
        sys.stderr.write(text)
        sys.stderr.flush()
