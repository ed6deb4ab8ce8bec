"""The Python that tests start most of is the ordinary one to whoever asks, but for time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm

PROGRAMS = {
    "output": "print('said'); print('told', file=sys.stderr)",
    "input": "print(sys.stdin.read().upper(), sys.argv[1:], os.getcwd(), sys.path[0], os.environ['GIVEN'])",
    "name": "print(__name__, __spec__.name, __file__, sys.argv[0])",
    "number": "sys.exit(75)",
    "message": "sys.exit('error: it ends')",
    "exception": "raise ValueError('of the program')",
    "signal": "os.kill(os.getpid(), signal.SIGKILL)",
    "closed": "sys.stdout.close()",
    "later": "import atexit; atexit.register(print, 'after all'); print('first')",
    "thread": "import threading, time; threading.Timer(0.2, print, ['from a thread']).start()",
    "nested": "import subprocess; print(subprocess.check_output([sys.executable, '-m', 'json.tool', '--help']))",
    "early": "import torch; print(torch.get_num_threads())",
    "code": "import pdarts; print(pdarts.__file__)",
}


def run(python: str, folder: Path, **variables: str) -> tuple[int, str, list[str]]:
    """Exit code, output and the last line of errors of a program, with the word `given` as input and argument."""
    done = subprocess.run(
        [python, "-m", "program", "given"],
        cwd=folder,
        env={**os.environ, "GIVEN": "ä", **variables},
        input="given",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.splitlines()[-1:]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_module_ends_as_it_does_anywhere(name: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(f"import os, signal, sys\n{PROGRAMS[name]}\n")
    (tmp_path / "pdarts").mkdir()
    (tmp_path / "pdarts/__init__.py").touch()
    variables = {"OMP_NUM_THREADS": "3"} if name == "early" else {}
    assert run(warm.python(), tmp_path, **variables) == run(sys.executable, tmp_path, **variables)


def test_what_is_said_without_a_buffer_is_out_at_once(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import os\nprint('said')\nos._exit(0)\n")
    command = [warm.python(), "-u", "-m", "program"]
    assert subprocess.check_output(command, cwd=tmp_path, text=True) == "said\n"


def test_code_on_the_command_line_runs() -> None:
    assert subprocess.check_output([warm.python(), "-c", "print(2 + 2)"], text=True) == "4\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_module(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import signal, sys, time\n"
        f"signal.signal({number:d}, lambda told, frame: sys.exit(told + 50))\n"
        "print('ready', flush=True); time.sleep(60)\n"
    )
    command = [warm.python(), "-m", "program"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
    assert process.returncode == number + 50


def test_a_signal_that_is_not_awaited_ends_the_module(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import time; print('ready', flush=True); time.sleep(60)\n")
    command = [warm.python(), "-m", "program"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
    assert process.returncode == -signal.SIGTERM
