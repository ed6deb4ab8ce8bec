"""A process that is told to end while a program of its own works lets that program clean up first."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pdarts.engine.termination import RETRY
from tests.configuration import ROOT

PROGRAM = """
import pathlib, signal, sys, time
def end(number, frame):
    time.sleep(0.5)
    lock.unlink()
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
lock = pathlib.Path(sys.argv[1])
lock.touch()
time.sleep(60)
"""
CALLER = """
import sys
from pdarts.engine import step
from pdarts.engine.termination import PROCESS
step.run(lambda: print(PROCESS.run([sys.executable, *sys.argv[1:]])))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_the_program_has_ended(number: signal.Signals, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    call = [sys.executable, "-c", CALLER, "-c", PROGRAM, str(lock)]
    with subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        until = time.monotonic() + 60
        while not lock.exists() and time.monotonic() < until:
            time.sleep(0.05)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        said, _ = process.communicate(timeout=30)
    assert (process.returncode, said, lock.exists()) == (RETRY, "", False)
