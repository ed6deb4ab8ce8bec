"""Computes each part in a process of its own, so that none can end, hang or slow down another."""

import contextlib
import io
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.gpu.check import Check, Part, Row


class Unfinished(Exception):
    """A part ended before its last line."""


def rows(part: Part, check: Check, seconds: float, said: list[str]) -> Iterator[Row]:
    """Yield the lines of a part as they are computed, and add to `said` what warnings it gives.

    Raises:
        Unfinished: with the reason.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.gpu.parts"])  # torch is imported once, and CUDA is untouched
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sending, part, check))
    process.start()
    sending.close()
    ends = time.monotonic() + seconds
    try:
        while receiving.poll(max(0.0, ends - time.monotonic())):
            kind, value = receiving.recv()
            if kind == "row":
                yield value
            elif kind == "said":
                said.append(value)
            elif kind == "failed":
                raise Unfinished(value)
            else:
                return
        raise Unfinished(f"{seconds:.0f} seconds were not enough")
    except EOFError:
        process.join()
        raise Unfinished(f"its process ended with {process.exitcode}") from None
    finally:
        process.kill()  # in case that it has no group yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()


def _child(sending: Connection, part: Part, check: Check) -> None:
    os.setpgid(0, 0)  # so that it is ended together with what it starts
    sys.stderr = _Warnings(sending, sys.stderr)
    try:
        for row in part.rows(check):
            sending.send(("row", row))
    except Exception as error:  # noqa: BLE001 whatever happens is reported
        traceback.print_exc()
        sending.send(("failed", f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}"))
    else:
        sending.send(("done", None))


class _Warnings(io.TextIOBase):
    """Standard error, whose warnings are sent too."""

    def __init__(self, sending: Connection, stream: Any) -> None:
        self.sending, self.stream = sending, stream

    def write(self, text: str) -> int:
        if text.startswith("warning: "):
            self.sending.send(("said", text.strip()))
        return int(self.stream.write(text))

    def flush(self) -> None:
        self.stream.flush()
