"""The processes that verify images end when they should."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.configuration import ROOT


def verifying(tmp_path: Path) -> subprocess.Popen[str]:
    """Start a process that verifies images with two others, which a pipe that nobody writes to keeps waiting."""
    os.mkfifo(tmp_path / "stuck.jpg")
    script = "import sys; from pdarts.data.folder import _outcomes; list(_outcomes(sys.argv[1:], 2))"
    call = [sys.executable, "-c", script, *[str(tmp_path / "stuck.jpg")] * 40]
    process = subprocess.Popen(call, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while len(children(process.pid)) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    return process


def children(number: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(number)], capture_output=True, text=True, check=False).stdout
    return list(map(int, listed.split()))


def test_processes_that_verify_images_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    process = verifying(tmp_path)
    assert len(children(process.pid)) == 2
    process.kill()
    process.communicate(timeout=20)  # fails while one of them holds its standard error


def test_the_end_of_a_process_that_verifies_images_is_said(tmp_path: Path) -> None:
    process = verifying(tmp_path)
    os.kill(children(process.pid)[0], signal.SIGKILL)
    _, said = process.communicate(timeout=20)
    assert "InputError: a process that verifies images has ended" in said.splitlines()[-1]
    assert "set fewer machine.workers" in said


def test_a_consumer_that_fails_does_not_wait_for_files_that_are_queued(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "stuck.jpg")
    script = (
        "import sys; from contextlib import closing; from pdarts.data.folder import _outcomes\n"
        "with closing(_outcomes(sys.argv[1:], 1)) as outcomes:\n    next(outcomes)\n    raise OSError('full')"
    )
    slow = "import sys, time; [open(sys.argv[1], 'w').close() or time.sleep(0.02) for _ in range(10**6)]"
    with subprocess.Popen([sys.executable, "-c", slow, str(tmp_path / "stuck.jpg")]) as writing:
        call = [sys.executable, "-c", script, *[str(tmp_path / "stuck.jpg")] * 4000]
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        writing.kill()
    assert done.stderr.splitlines()[-1] == "OSError: full"
