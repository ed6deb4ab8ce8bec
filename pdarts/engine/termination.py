"""SIGTERM and SIGINT, which schedulers send before they kill: a step ends by itself and loses nothing."""

import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)

RETRY = 75
"""Exit code of a step that was told to end and can be continued (EX_TEMPFAIL)."""


class Termination:
    """Whether this process was told to end.

    Args:
        at_once: whether to end at the moment of the signal, since there is nothing to save yet.
    """

    def __init__(self, at_once: bool = False) -> None:
        self.told, self.at_once = False, at_once

    def install(self) -> None:
        """Handle SIGTERM and SIGINT from now on."""
        for number in SIGNALS:
            signal.signal(number, self._end)

    def done(self) -> None:
        """Ignore both signals: all is written, and the end of the interpreter must not look like a failure."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.told = True
        if self.at_once:
            print("told to end before there was anything to save", file=sys.stderr)
            sys.exit(RETRY)


PROCESS = Termination(at_once=True)
"""The termination of this process; `Run` defers it until the resume file, or in the end the outputs, are written."""
