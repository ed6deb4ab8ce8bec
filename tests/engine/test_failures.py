"""What can go wrong in a long step: it ends soon, says what happened, and loses nothing that is done."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pdarts.data.batching import Batching
from pdarts.data.loaders import Loader
from pdarts.engine.divergence import LossWatch, all_finite
from pdarts.engine.journal import Journal
from pdarts.engine.loop import NetworkTraining, fit
from pdarts.engine.metrics import Tally
from pdarts.engine.progress import Progress
from pdarts.engine.resume_file import ResumeFile
from pdarts.engine.run import Run
from pdarts.engine.termination import RETRY
from pdarts.engine.tracking import Tracker
from pdarts.errors import InputError
from pdarts.nets.network import Network
from pdarts.settings.machine import Machine, Wandb
from pdarts.settings.recipes import Recipe
from tests import warm
from tests.configuration import CONFIG, ROOT
from tests.data.folders import CHANGES, image_folder, write_folder
from tests.data.sources import load
from tests.engine.test_resume import command, outcome
from tests.genotypes import published

CPU = torch.device("cpu")
FAR = {"learning_rate": 10.0, "final_learning_rate": 10.0, "momentum": 0.0, "weight_decay": 0.5, "clip": None}
"""An optimizer that multiplies weights by -4 in every update."""


def far(learning_rate: float) -> Recipe:
    """A small recipe whose first update is far too large, at a rate that no config may have."""
    small = CONFIG.recipes["digits"].model_copy(update={"cells": 1, "channels": 2, "batch_size": 32, "epochs": 3})
    optimizer = small.optimizer.model_copy(update={"learning_rate": learning_rate, "clip": None})
    return small.model_copy(update={"optimizer": optimizer})


def train(folder: Path, settings: Recipe, images: int, **identity: object) -> Run:
    """Train a network on digits, here."""
    split = load("digits", folder, download=False).train.part(0, images)
    batches = Loader(split, Batching(settings.batch_size, settings.augmentation, CPU), (0.3,) * 3, (0.4,) * 3)
    torch.manual_seed(0)
    network = Network(published("PDARTS"), "cifar", settings.cells, settings.channels, 10, False)
    tracker = Tracker(Wandb(mode="disabled"), "", "", "", {})
    journal = Journal(folder / "metrics.jsonl", tracker, Progress("", settings.epochs, len(batches)))
    run = Run(0, CPU, journal, ResumeFile(folder / "weights.pt", identity, other_code=False))
    fit(NetworkTraining(network, settings, CPU, Machine()), batches, run)
    return run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of 96 digits."""
    path = tmp_path_factory.mktemp("data") / "digits.json"
    settings = json.loads(CONFIG.datasets["digits"].model_dump_json()) | {"train_images": 96}
    prepare = [warm.python(), "-m", "pdarts.prepare", "--settings", json.dumps(settings), "--output", str(path)]
    subprocess.run(prepare, cwd=ROOT, check=True)
    return path


def test_a_loss_that_is_not_finite_ends_a_training_with_what_to_try(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"in epoch 1, by iteration 2, at learning rate 1e\+30.*Try a lower") as error:
        train(tmp_path, far(1e30), 96, optimizer="far")
    again = ResumeFile(tmp_path / "weights.pt", {"optimizer": "far"}, other_code=False)
    with pytest.raises(InputError) as known:
        again.refuse_failed()
    assert str(known.value).startswith(str(error.value))
    assert str(again.failed) in str(known.value)
    ResumeFile(tmp_path / "weights.pt", {"optimizer": "near"}, other_code=False).refuse_failed()


def test_weights_that_are_not_finite_after_the_last_iteration_of_an_epoch_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in epoch 1, by iteration 1"):
        train(tmp_path, far(1e45), 32)
    saved = ResumeFile(tmp_path / "weights.pt", {}, other_code=False).load()
    assert saved is not None
    assert saved["epoch"] == 0
    assert all_finite(saved["parts"]["network"].values())


def test_only_what_is_not_finite_counts_as_divergence() -> None:
    tally, large = Tally(CPU), torch.tensor(3e38)
    watch = LossWatch([tally], CPU)
    tally.add(large, torch.zeros(2, 5), torch.zeros(2, dtype=torch.int64))
    assert watch.finite(1)
    tally.add(large * 10, torch.zeros(2, 5), torch.zeros(2, dtype=torch.int64))
    assert not watch.finite(2)
    assert all_finite([torch.ones(2), torch.tensor(2**40)])
    assert not all_finite([torch.ones(2), torch.tensor([1.0, float("nan")])])
    assert not all_finite([torch.tensor(float("-inf"))])


@pytest.mark.parametrize(("step", "optimizer", "batch_size"), [("search", "weights", 8), ("train", "optimizer", 16)])
def test_a_retry_of_a_step_that_diverged_ends_with_the_same_message_and_trains_nothing(
    step: str, optimizer: str, batch_size: int, data: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"batch_size": batch_size, optimizer: FAR}
    said = []
    for _ in range(2):
        call = command(step, 1, tmp_path, data, python=warm.python(), **settings)
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        said.append(done.stderr)
    message = said[0].splitlines()[-1]
    assert message.startswith("error: the loss or the weights are not finite in epoch ")
    assert "keeps the state from before" in message
    assert said[1].startswith(message)
    assert "known from an earlier attempt" in said[1]
    near = command(step, 1, tmp_path, data, python=warm.python())
    subprocess.run(near, cwd=ROOT, check=True, capture_output=True)


def test_weights_that_are_not_finite_are_not_tested(data: Path, tmp_path: Path) -> None:
    subprocess.run(command("train", 1, tmp_path, data, python=warm.python()), cwd=ROOT, check=True, capture_output=True)
    content = torch.load(tmp_path / "weights.pt", weights_only=True)
    classifier, output = content["state"]["classifier.weight"], tmp_path / "test.json"
    options = ["--data", data, "--weights", tmp_path / "weights.pt", "--output", output]
    for value, message in ((float("nan"), "holds values that are not finite"), (3e38, "the loss on")):
        classifier.fill_(value)
        torch.save(content, tmp_path / "weights.pt")
        call = [warm.python(), "-m", "pdarts.test", *options]
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: {tmp_path}/weights.pt")
        assert message in done.stderr
        assert not output.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit memory")
def test_a_lack_of_memory_says_how_much_was_asked_for_and_what_makes_it_less(data: Path, tmp_path: Path) -> None:
    large = shlex.join(command("train", 1, tmp_path, data, channels=512, batch_size=96, cells=6))
    done = subprocess.run(
        ["bash", "-c", f"ulimit -v 5000000; exec {large}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: out of memory: ")
    assert "this process may take 5.12 GB; a smaller batch_size, machine.recompute: true" in done.stderr


@pytest.fixture
def little_memory() -> Iterator[Path]:
    """A control group whose processes the system kills when they take more than 2 GB."""
    group = Path("/sys/fs/cgroup/memory") / f"pdarts-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"control groups of memory cannot be made here ({error.strerror})")
    (group / "memory.limit_in_bytes").write_text("2000000000")
    yield group
    while (group / "cgroup.procs").read_text():
        time.sleep(0.1)
    group.rmdir()


def test_after_a_kill_for_lack_of_memory_the_next_attempt_says_so(
    little_memory: Path, data: Path, tmp_path: Path
) -> None:
    large = shlex.join(command("train", 1, tmp_path, data, channels=512, batch_size=96, cells=6))
    killed = f"echo $BASHPID >{little_memory}/cgroup.procs; exec {large}"
    assert subprocess.run(["bash", "-c", killed], cwd=ROOT, check=False).returncode == -signal.SIGKILL
    with subprocess.Popen(shlex.split(large), cwd=ROOT, stderr=subprocess.PIPE, text=True) as again:
        assert again.stderr is not None
        said = ""
        while "continuing at epoch" not in said and (line := again.stderr.readline()):
            said += line
        again.kill()
    assert re.search(r"this system has killed [1-9]\d* process(es)? for lack of memory\. If memory was short", said), (
        said
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_a_step_waits_for_another_process_that_computes_the_same_output(
    processes: int, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    held = ResumeFile(folder / "weights.pt", {}, other_code=False)
    assert held.claim()
    call = command("train", processes, folder, data, python=warm.python())
    call[call.index("pdarts.train")] = "tests.engine.impatient"
    with subprocess.Popen(call, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "waiting for another process that computes it" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(5)  # longer than its processes wait for each other
        assert not (folder / "metrics.jsonl").exists()
        del held
        assert "| epoch 5/5" in process.stderr.read()
    assert process.returncode == 0


def test_a_result_of_a_file_that_has_changed_meanwhile_is_not_written_and_not_lost(data: Path, tmp_path: Path) -> None:
    cells = tmp_path / "cells.json"
    old, new = (json.dumps(published(name).to_json()) for name in ("PDARTS", "DARTS_V2"))
    cells.write_text(old)
    call = command("train", 1, tmp_path, data, python=warm.python(), epochs=20)
    call[call.index("--genotype") + 1] = str(cells)
    with subprocess.Popen(call, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "| epoch" not in process.stderr.readline():
            assert process.poll() is None
        cells.write_text(new)
        said = process.stderr.read()
    assert process.returncode == 1
    assert f"error: {cells} has changed since this step began" in said
    assert not (tmp_path / "weights.pt").exists()
    cells.write_text(old)
    done = subprocess.run(call, cwd=ROOT, check=True, capture_output=True, text=True)
    assert "all epochs had run" in done.stderr


@pytest.mark.skipif(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, reason="under nohup, steps ignore this signal")
def test_a_step_that_waits_for_images_saves_and_ends_when_told_to(tmp_path: Path) -> None:
    photos, data = tmp_path / "photos", tmp_path / "photos.json"
    write_folder(photos, train=64, scale=0.25)
    machine = json.dumps({"workers": 1, "data_roots": {"photos": str(photos)}, "wandb": {"mode": "disabled"}})
    settings = image_folder(32).model_dump_json()
    prepare = ["-m", "pdarts.prepare", "--settings", settings, "--output", data, "--machine", machine]
    subprocess.run([warm.python(), *prepare], cwd=ROOT, check=True, capture_output=True)
    changes: dict[str, Any] = {"epochs": 2, "augmentation": CHANGES.model_dump()}
    undisturbed, disturbed = (
        command("train", 1, tmp_path / name, data, machine, warm.python(), **changes) for name in ("whole", "stuck")
    )
    subprocess.run(undisturbed, cwd=ROOT, check=True, capture_output=True)

    image = next(photos.glob("train/*/*.jpg"))
    content = image.read_bytes()
    image.unlink()
    os.mkfifo(image)  # nobody writes to it, as on a disk that gives no answer
    with subprocess.Popen(disturbed, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        while not list((tmp_path / "stuck").glob("weights.pt.resume-*")):
            time.sleep(0.1)
        time.sleep(3)
        process.send_signal(signal.SIGHUP)  # as when its terminal is closed
        _, said = process.communicate(timeout=60)
    assert process.returncode == RETRY, said
    assert "told to end: saved at epoch 1" in said
    assert "Traceback" not in said
    image.unlink()
    image.write_bytes(content)
    subprocess.run(disturbed, cwd=ROOT, check=True, capture_output=True)
    assert outcome("train", tmp_path / "stuck") == outcome("train", tmp_path / "whole")
