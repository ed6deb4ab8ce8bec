"""Signals that schedulers and terminals send before a process must end: a step ends by itself and loses nothing."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

RETRY = 75
"""Exit code of a step that was told to end and can be continued (EX_TEMPFAIL)."""


class ToldToEnd(Exception):
    """This process was told to end while it waited."""


class Termination:
    """Whether this process was told to end.

    Args:
        at_once: whether to end at the moment of the signal, since there is nothing to save yet.
    """

    def __init__(self, at_once: bool = False) -> None:
        self.told, self.at_once, self._waits = False, at_once, False
        self._programs: set[subprocess.Popen[str]] = set()

    def install(self) -> None:
        """Handle these signals from now on, but not that of a closed terminal under `nohup`, which ignores it."""
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._end)

    def done(self) -> None:
        """Ignore these signals: all is written, and the end of the interpreter must not look like a failure."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A context in which this process only waits, so that it can leave at any moment.

        Raises:
            ToldToEnd: at the moment of a signal, or at once if there was one before.
        """
        self._waits = True
        try:
            if self.told:
                raise ToldToEnd
            yield
        finally:
            self._waits = False

    def run(self, command: Sequence[str], **streams: Any) -> subprocess.CompletedProcess[str]:
        """Run a program that cleans up after itself. If this process is told to end meanwhile, it does so afterwards.

        The program is told, too; a terminal sends Ctrl-C to both of them.
        """
        with subprocess.Popen(command, text=True, **streams) as program:
            self._programs.add(program)
            try:
                said, errors = program.communicate()
            finally:
                self._programs.discard(program)
        if self.told:
            sys.exit(RETRY)
        return subprocess.CompletedProcess(command, program.returncode, said, errors)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.told = True
        if self._programs:
            for program in tuple(self._programs) if number != signal.SIGINT else ():
                program.send_signal(number)
        elif self.at_once:
            if multiprocessing.parent_process() is None:
                print("told to end before there was anything to save", file=sys.stderr, flush=True)
            if multiprocessing.active_children():
                end_children()
                os._exit(RETRY)  # else threads that look after these processes would complain of their end
            sys.exit(RETRY)
        elif self._waits:
            raise ToldToEnd


def end_children() -> None:
    """Kill the processes that decode images, since the end of this one would wait for those that are stuck."""
    for child in multiprocessing.active_children():
        child.kill()


PROCESS = Termination(at_once=True)
"""The termination of this process; `Run` defers it until the resume file, or in the end the outputs, are written."""
