"""SIGTERM and SIGINT, as schedulers send them before they kill: a step ends by itself, and loses nothing."""

import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)

RETRY = 75
"""Exit code of a step that was told to end and can be continued (EX_TEMPFAIL)."""


class Termination:
    """Whether this process was told to end.

    Args:
        at_once: end in the moment of the signal, since there is nothing to save yet.
    """

    def __init__(self, at_once: bool = False) -> None:
        self.told, self.at_once = False, at_once

    def install(self) -> None:
        """Take SIGTERM and SIGINT from here on."""
        for number in SIGNALS:
            signal.signal(number, self._end)

    def done(self) -> None:
        """Ignore them: all is written, and the interpreter's own end must not look like a failure."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.told = True
        if self.at_once:
            print("told to end before there was anything to save", file=sys.stderr)
            sys.exit(RETRY)


PROCESS = Termination(at_once=True)
"""That of a step's own process; `Run` lets it wait for a checkpoint, and then for the step's outputs."""
