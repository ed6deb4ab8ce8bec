"""W&B mirrors a step where it works, and never stands in its way."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from pdarts.engine.journal import Journal
from pdarts.engine.progress import Progress
from pdarts.engine.tracking import PATIENCE, Tracker, new_id, steps_of
from pdarts.settings.machine import Mode, Wandb
from tests.configuration import ROOT

SLOW = 3 * PATIENCE
"""Seconds that a step may lose by W&B, also on a busy machine."""


def track(settings: Wandb, run_id: str, first: int = 1, last: int = 2) -> None:
    """What a process of a step does with its run."""
    tracker = Tracker(settings, "search", "digits", "digits seed 0 stage 1", {"seed": 0, "cells": 5})
    tracker.start(run_id)
    for step in range(first, last + 1):
        tracker.log({"train_loss": 2.3 / step, "valid_loss": None if step == 1 else 2.2}, epoch=step)
    tracker.summary({"genotype": {"normal": [["skip_connect", 0]]}})
    tracker.finish()


def runs(folder: Path) -> list[Path]:
    """Files of runs, in the order in which they began."""
    return sorted(folder.glob("wandb/*run-*/run-*.wandb"), key=lambda path: path.parent.name.split("run-")[1])


def written(run: Path, count: int) -> list[int]:
    """The steps of a run file once it holds so many; W&B writes it in a process of its own."""
    until = time.monotonic() + SLOW
    while len(steps := list(steps_of(run))) < count and time.monotonic() < until:
        time.sleep(0.1)
    return steps


def test_offline_writes_a_run_that_can_be_sent_later(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    track(Wandb(mode="offline", directory=str(tmp_path / "new")), new_id())
    (run,) = runs(tmp_path / "new")
    assert written(run, 2) == [1, 2]
    content = run.read_bytes()
    for part in (b"digits seed 0 stage 1", b"train_loss", b"valid_loss", b"skip_connect", b"pdarts"):
        assert part in content
    assert "W&B is off" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("variable", "value", "mode", "counts"),
    [
        ("WANDB_MODE", "disabled", "offline", "disabled"),
        ("WANDB_MODE", "offline", "online", "offline"),
        ("WANDB_MODE", "dryrun", "online", "offline"),
        ("WANDB_DISABLED", "true", "online", "disabled"),
        ("WANDB_MODE", "online", "offline", "offline"),
        ("WANDB_MODE", "online", "disabled", "disabled"),
        ("WANDB_MODE", "nonsense", "offline", "offline"),
        ("WANDB_DISABLED", "false", "offline", "offline"),
    ],
)
def test_where_the_environment_wants_less_written_or_sent_that_counts_and_is_said(
    variable: str,
    value: str,
    mode: Mode,
    counts: Mode,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)
    assert Tracker(Wandb(mode=mode), "", "", "", {}).mode == counts
    assert (f"W&B is {counts}" in capsys.readouterr().err) == (counts != mode)


def test_a_run_that_the_environment_disables_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    track(Wandb(mode="offline", directory=str(tmp_path / "new")), new_id())
    assert list(tmp_path.iterdir()) == []


def test_processes_of_one_step_continue_a_run_and_no_step_is_there_twice(tmp_path: Path) -> None:
    settings, run_id = Wandb(mode="offline", directory=str(tmp_path)), new_id()
    track(settings, run_id, 1, 3)
    assert written(*runs(tmp_path), 3) == [1, 2, 3]
    time.sleep(1.1)  # folders of runs are named by the second
    track(settings, run_id, 3, 5)  # the third epoch was done, but not its checkpoint
    first, second = runs(tmp_path)
    assert first.name == second.name == f"run-{run_id}.wandb"
    assert written(second, 2) == [4, 5]


def test_epochs_that_did_not_reach_the_run_are_added_when_the_step_continues(tmp_path: Path) -> None:
    settings, run_id = Wandb(mode="offline", directory=str(tmp_path)), new_id()
    track(settings, run_id, 1, 2)
    (torn,) = runs(tmp_path)
    assert written(torn, 2) == [1, 2]
    torn.write_bytes(torn.read_bytes()[:-1500])
    held = list(steps_of(torn))
    assert len(held) < 2
    time.sleep(1.1)
    tracker = Tracker(settings, "search", "digits", "digits seed 0 stage 1", {})
    journal = Journal(tmp_path / "metrics.jsonl", tracker, Progress("", 3, 1))
    journal.begin(run_id, ["{}\n"] * 2, [{"train_loss": 2.3}, {"train_loss": 2.2}])
    journal.epoch(2, {"train_loss": 2.1})
    tracker.finish()
    assert [*held, *written(runs(tmp_path)[-1], 3 - len(held))] == [1, 2, 3]


def test_a_rehearsal_has_a_tag_and_a_key_in_the_config(tmp_path: Path) -> None:
    mentioned = []
    for rehearsal in (False, True):
        settings = Wandb(mode="offline", directory=str(tmp_path / f"{rehearsal:d}"))
        tracker = Tracker(settings, "train", "digits", f"digits seed {5 + rehearsal}", {}, rehearsal)
        tracker.start(new_id())
        tracker.log({"train_loss": 2.0}, epoch=1)
        tracker.finish()
        (run,) = tmp_path.glob(f"{rehearsal:d}/wandb/offline-run-*/run-*.wandb")
        assert written(run, 1) == [1]
        mentioned.append(run.read_bytes().count(b"rehearsal"))  # the path of the test counts in both
    assert mentioned[1] >= mentioned[0] + 2


def test_disabled_writes_nothing(tmp_path: Path) -> None:
    track(Wandb(mode="disabled", directory=str(tmp_path / "new")), new_id())
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_said_and_borne(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    track(Wandb(mode="offline", directory=str(tmp_path / "file" / "folder")), new_id())
    assert "W&B is off for the rest of this step (NotADirectoryError" in capfd.readouterr().err
    assert (tmp_path / "file").is_file()


SCRIPT = """
import sys
from pathlib import Path
from pdarts.settings.machine import Mode, Wandb
from tests.engine import test_tracking
test_tracking.track(Wandb(mode=sys.argv[1], directory=sys.argv[2]), "0123456789abcdef")
"""


def tracked_elsewhere(mode: str, folder: Path, url: str, **variables: str) -> tuple[str, float]:
    """What a process of its own prints, and how long it takes, its end included."""
    started = time.monotonic()
    environment = os.environ | {"WANDB_BASE_URL": url, "WANDB_API_KEY": "0" * 40, **variables}
    command = [sys.executable, "-c", SCRIPT, mode, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr, time.monotonic() - started


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refusing() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("address", ["silent", "refusing"])
def test_a_server_that_cannot_be_reached_leaves_an_offline_run(
    address: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    said, seconds = tracked_elsewhere("online", tmp_path, request.getfixturevalue(address))
    assert "W&B cannot be reached" in said
    assert "make wandb-sync" in said
    (run,) = runs(tmp_path)
    assert run.parent.name.startswith("offline-run-")
    assert list(steps_of(run)) == [1, 2]
    assert seconds < SLOW


@pytest.fixture
def denying() -> Iterator[str]:
    """The address of a server that takes no key."""
    script = (
        "from http.server import *\n"
        "class Denying(BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_error(401)\n"
        "    do_POST = do_GET\n"
        "server = ThreadingHTTPServer(('127.0.0.1', 0), Denying)\n"
        "print(server.server_port, flush=True); server.serve_forever()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()


def test_a_key_that_is_refused_leaves_an_offline_run(tmp_path: Path, denying: str) -> None:
    said, seconds = tracked_elsewhere("online", tmp_path, denying)
    assert "W&B cannot be reached" in said
    assert [step for run in runs(tmp_path) for step in steps_of(run)] == [1, 2], said
    assert seconds < SLOW


def test_wandbs_process_of_whoever_started_the_step_is_left_alone(tmp_path: Path) -> None:
    said, _ = tracked_elsewhere("offline", tmp_path, "http://127.0.0.1:1", WANDB_SERVICE="3-1-tcp-localhost-1-unused")
    assert [step for run in runs(tmp_path) for step in steps_of(run)] == [1, 2], said


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_wandbs_own_process_may_die_or_hang(number: signal.Signals, tmp_path: Path) -> None:
    script = (
        "import os, subprocess, time\n"
        "from pdarts.engine import tracking\n"
        "from pdarts.engine.tracking import Tracker, new_id\n"
        "from pdarts.settings.machine import Wandb\n"
        f"tracker = Tracker(Wandb(mode='offline', directory={str(tmp_path)!r}), 'train', 'digits', 'digits', {{}})\n"
        "tracker.start(new_id()); tracker.log({'train_loss': 2.0}, epoch=1)\n"
        "listed = subprocess.getoutput('ps -e -ww -o ppid= -o pid= -o args=')\n"
        "(core,) = [int(line.split()[1]) for line in listed.splitlines()\n"
        "    if int(line.split()[0]) == os.getpid() and 'wandb-core' in line]\n"
        f"os.kill(core, {number:d}); time.sleep(0.5); tracking.PATIENCE = 1; started = time.monotonic()\n"
        "for step in (2, 3): tracker.log({'train_loss': 1.9}, epoch=step)\n"
        "tracker.finish(); print(time.monotonic() - started)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("W&B is off for the rest of this step") == 1
    assert float(done.stdout) < PATIENCE


def test_a_picture_is_part_of_the_run(tmp_path: Path) -> None:
    tracker = Tracker(Wandb(mode="offline", directory=str(tmp_path)), "derive", "digits", "digits seed 0 genotype", {})
    tracker.start(new_id())
    tracker.image("cells", lambda path: Figure().savefig(path))
    tracker.finish()
    (picture,) = (tmp_path / "wandb").glob("offline-run-*/files/media/images/cells_*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_no_picture_is_drawn_for_nobody() -> None:
    drawn: list[Path] = []
    tracker = Tracker(Wandb(mode="disabled"), "derive", "digits", "digits seed 0 genotype", {})
    tracker.start(new_id())
    tracker.image("cells", drawn.append)
    assert drawn == []


def test_a_picture_that_cannot_be_drawn_is_said_and_borne(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tracker = Tracker(Wandb(mode="offline", directory=str(tmp_path)), "train", "digits", "digits seed 0", {})
    tracker.start(new_id())
    tracker.image("cells", lambda path: (tmp_path / "missing.png").rename(path))
    tracker.log({"train_loss": 2.0}, epoch=1)
    tracker.finish()
    assert capfd.readouterr().err.count("W&B is off for the rest of this step") == 1
