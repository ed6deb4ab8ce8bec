"""The progress of a long step: a line that renews itself on a terminal, plain lines in a log."""

import sys
import time

from torch import Tensor

TERMINAL_SECONDS = 0.2
LOG_SECONDS = 20.0


class Progress:
    """Prints epoch, iteration, loss and the time left to standard error.

    Args:
        label: name of the work, such as `search pdarts-cifar10 seed 0 stage 2`.
        epochs: number of epochs.
        iterations: iterations of an epoch.
    """

    def __init__(self, label: str, epochs: int, iterations: int) -> None:
        self.label, self.epochs, self.iterations = label, epochs, iterations
        self.terminal = sys.stderr.isatty()
        self.printed = time.monotonic()
        self.started: tuple[float, float] | None = None
        """Time and epochs done when the estimate begins: after this process's first iteration, which takes longest."""

    def iteration(self, epoch: int, number: int, loss: Tensor) -> None:
        """Show the end of an iteration; both counts from 1. `loss` is read only when a line is due."""
        if self.started is None:
            self.started = time.monotonic(), self._done(epoch, number)
        elapsed = time.monotonic() - self.printed
        if elapsed < (TERMINAL_SECONDS if self.terminal else LOG_SECONDS):
            return
        reached = f"{self._reached(epoch)}, iteration {number}/{self.iterations}"
        self._print(f"{reached}: loss {loss.item():.4f}, {self._left(epoch, number)}")

    def epoch(self, epoch: int, summary: str) -> None:
        """Show the end of an epoch, whose number counts from 1."""
        self._print(f"{self._reached(epoch)}: {summary}, {self._left(epoch, self.iterations)}", lasting=True)

    def _reached(self, epoch: int) -> str:
        return f"{self.label} | epoch {epoch}/{self.epochs}"

    def _left(self, epoch: int, iteration: int) -> str:
        if (done := self._done(epoch, iteration)) == self.epochs:
            return "done"
        since, before = self.started or (0.0, done)
        if done == before:
            return "time left not known yet"
        seconds = round((time.monotonic() - since) * (self.epochs - done) / (done - before))
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left"

    def _done(self, epoch: int, iteration: int) -> float:
        """Count the epochs that are done."""
        return epoch - 1 + iteration / self.iterations

    def _print(self, text: str, lasting: bool = False) -> None:
        self.printed = time.monotonic()
        if self.terminal:
            text = f"\r\033[K{text}" + ("\n" if lasting else "")
        else:
            text += "\n"
        sys.stderr.write(text)
        sys.stderr.flush()
