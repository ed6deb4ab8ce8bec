"""A step that is killed and started again ends with the same bytes as one that never stopped."""

import json
import os
import random
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pdarts.engine.device import device_name
from pdarts.engine.journal import Journal
from pdarts.engine.progress import Progress
from pdarts.engine.resume_file import ResumeFile
from pdarts.engine.run import Run
from pdarts.engine.tracking import PATIENCE, Tracker, steps_of
from pdarts.settings.machine import Wandb
from pdarts.sources import fingerprint
from tests import warm
from tests.configuration import CONFIG, ROOT
from tests.engine.launching import torchrun
from tests.workflow.tree import Tree

KILLS = int(os.environ.get("PDARTS_KILLS", "6"))
"""Kills of search and training together; the long version has 100."""

SMALL = {"cells": 2, "channels": 2, "batch_size": 16, "epochs": 5}
STAGE = CONFIG.searches["digits"].stage_settings(1).model_dump() | SMALL | {"skip_dropout": 0.3, "frozen_epochs": 2}
RECIPE = CONFIG.recipes["digits"].model_dump() | SMALL | {"drop_path": 0.3}
MACHINE = json.dumps({"wandb": {"mode": "disabled"}})


def command(
    step: str,
    processes: int,
    folder: Path,
    data: Path,
    machine: str = MACHINE,
    python: str = sys.executable,
    **changes: Any,
) -> list[str]:
    named = {"search": ("stage.json", STAGE, ["--stage", "1"]), "train": ("weights.pt", RECIPE, [])}
    output, settings, more = named[step]
    if step == "train":
        more = ["--genotype", str(ROOT / "pdarts" / "genotypes" / "PDARTS.json")]
    shared = json.dumps(settings | {"processes": processes} | changes)
    arguments = ["--data", str(data), "--settings", shared, "--seed", "0", "--machine", machine]
    outputs = ["--output", str(folder / output), "--metrics", str(folder / "metrics.jsonl")]
    launch = [python, "-m"] if processes == 1 else torchrun(processes, python)
    return [*launch, f"pdarts.{step}", *arguments, *outputs, *more]


def outcome(step: str, folder: Path) -> dict[str, Any]:
    """All that a step wrote, times apart."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["seconds"]
    if step == "search":
        result = json.loads((folder / "stage.json").read_text())
        return {"cells": result["cells"], "settings": result["settings"], "metrics": lines}
    saved = torch.load(folder / "weights.pt", weights_only=True)
    state = {name: tensor.numpy().tobytes() for name, tensor in saved["state"].items()}
    return {"state": state, "recipe": saved["recipe"], "metrics": lines}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.json"
    settings = CONFIG.datasets["digits"].model_dump_json()
    settings = json.dumps(json.loads(settings) | {"train_images": 96})
    subprocess.run(
        [warm.python(), "-m", "pdarts.prepare", "--settings", settings, "--output", str(path)], cwd=ROOT, check=True
    )
    return path


def run_with_kills(step: str, processes: int, folder: Path, data: Path, kills: int, generator: random.Random) -> int:
    """Start the step again and again, killing it at random moments of its work; how often it was killed."""
    done = 0
    while True:
        python = sys.executable if done < kills else warm.python()
        started = command(step, processes, folder, data, python=python)
        process = subprocess.Popen(started, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        if done < kills:
            line = process.stderr.readline()  # the first epoch of this process is over, or it continues
            while line and "epoch" not in line:
                line = process.stderr.readline()
            time.sleep(generator.uniform(0, 0.6))
            number = generator.choice([signal.SIGTERM, signal.SIGKILL])
            process.send_signal(number)
            _, errors = process.communicate()
            if process.returncode != 0:
                told = 75 if processes == 1 else 1  # torchrun makes 1 of every exit code
                assert process.returncode == (told if number == signal.SIGTERM else -signal.SIGKILL), errors
                done += 1
                continue
        else:
            _, errors = process.communicate()
        assert process.returncode == 0, errors
        return done


@pytest.mark.parametrize(
    ("step", "processes", "part"), [("search", 1, 3), ("train", 1, 6), ("search", 2, 6), ("train", 2, 3)]
)
def test_killed_at_random_moments_it_ends_with_the_same_bytes(
    step: str, processes: int, part: int, data: Path, tmp_path: Path
) -> None:
    whole, kills = tmp_path / "whole", -(-KILLS // part)
    in_peace = command(step, processes, whole, data, python=warm.python())
    subprocess.run(in_peace, cwd=ROOT, check=True, capture_output=True)
    expected, generator, killed, attempt = outcome(step, whole), random.Random(f"{step} {processes}"), 0, 0
    while killed < kills:
        folder = tmp_path / f"killed{attempt}"
        killed += run_with_kills(step, processes, folder, data, min(4, kills - killed), generator)
        assert outcome(step, folder) == expected
        attempt += 1
        assert attempt < kills + 10, "the step ends before it can be killed"


def test_a_step_that_is_killed_has_one_run_and_every_epoch_once(data: Path, tmp_path: Path) -> None:
    def runs() -> list[Path]:
        return list(tmp_path.glob("wandb/offline-run-*/run-*.wandb"))

    offline = json.dumps({"wandb": {"mode": "offline", "directory": str(tmp_path)}})
    step = command("train", 1, tmp_path, data, offline, epochs=15)
    for attempt, number in enumerate((signal.SIGKILL, signal.SIGTERM, None), 1):
        with subprocess.Popen(step, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = ""
            while number and "| epoch" not in said:
                said += process.stderr.readline()
            while number and len(runs()) < attempt and process.poll() is None:
                time.sleep(0.02)  # W&B writes in a process of its own
            if number:
                process.send_signal(number)
            said += process.communicate()[1]
        assert ("neither finished nor was told to end" in said) == (attempt == 2)  # only the one before was killed
        if "W&B is off" in said:
            pytest.skip(f"W&B did not start within {PATIENCE} seconds on this busy machine")
    assert process.returncode == 0
    assert len(runs()) == 3
    assert len({run.name for run in runs()}) == 1
    assert sorted(step for run in runs() for step in steps_of(run)) == list(range(1, 16))


def test_a_step_whose_disk_is_full_says_so_and_continues_when_there_is_room(data: Path, tmp_path: Path) -> None:
    step = command("train", 1, tmp_path, data)
    full = subprocess.run(
        ["bash", "-c", f"ulimit -f 2; exec {shlex.join(step)}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert full.returncode == 1
    assert full.stderr.startswith("error: ")
    assert re.search(r"weights\.pt\.resume-\w{8}: File too large; free space", full.stderr)
    again = command("train", 1, tmp_path, data, python=warm.python())
    subprocess.run(again, cwd=ROOT, check=True, capture_output=True)


def resume_file(folder: Path, **changes: Any) -> ResumeFile:
    identity = {"step": "search", "settings": {"epochs": 3}, "code": "a"} | changes
    return ResumeFile(folder / "stage.json", identity, other_code=False)


def test_a_damaged_resume_file_gives_way_to_the_one_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = resume_file(tmp_path)
    for epoch in (1, 2):
        saved.save({"epoch": epoch, "step": 0})
    assert saved.load() == {"epoch": 2, "step": 0, "code": "a"}
    content = bytearray(saved.path.read_bytes())
    content[len(content) // 2] ^= 1
    saved.path.write_bytes(content)
    assert saved.load() == {"epoch": 1, "step": 0, "code": "a"}
    saved.before.write_bytes(saved.before.read_bytes()[:-5])
    assert saved.load() is None
    assert capsys.readouterr().err.count("cut off or damaged") == 3


def test_a_resume_file_of_other_work_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resume_file(tmp_path).save({"epoch": 1, "step": 0})
    assert resume_file(tmp_path, settings={"epochs": 25}).load() is None
    assert "settings.epochs is 3 there, 25 here" in capsys.readouterr().err


def test_a_change_of_code_is_continued_only_when_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resume_file(tmp_path).save({"epoch": 1, "step": 0})
    changed = resume_file(tmp_path, code="b")
    assert changed.load() is None
    assert "machine.resume_other_code: true" in capsys.readouterr().err
    told = ResumeFile(tmp_path / "stage.json", changed.identity, other_code=True)
    assert told.load() == {"epoch": 1, "step": 0, "code": "a"}


def test_provenance_says_that_other_code_continued_and_has_the_cpu_time_of_both(data: Path, tmp_path: Path) -> None:
    def cpu_time() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    tree = Tree.of_project(tmp_path / "project")
    allowed = json.dumps(json.loads(MACHINE) | {"resume_other_code": True})
    step = command("train", 1, tmp_path, data, allowed, epochs=15)
    start = cpu_time()
    with subprocess.Popen(step, cwd=tree.root, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "| epoch" not in process.stderr.readline():
            assert process.poll() is None
        process.terminate()
        assert "the same command continues there" in process.communicate()[1]
    before = fingerprint("train", root=tree.root / "pdarts")
    tree.edit("pdarts/engine/loop.py", "network.train()", "network.train(True)")
    first, start = cpu_time() - start, cpu_time()
    subprocess.run(step, cwd=tree.root, check=True, capture_output=True)
    second = cpu_time() - start
    provenance = torch.load(tmp_path / "weights.pt", weights_only=True)["provenance"]
    assert [stop["code"] for stop in provenance["resumed"]] == [before]
    assert provenance["code"] != before
    assert second + 0.5 * first < provenance["cpu_seconds"] <= second + first


def test_a_disk_that_is_full_keeps_the_old_resume_file(tmp_path: Path) -> None:
    saved = resume_file(tmp_path)
    saved.save({"epoch": 1, "step": 0})
    script = (
        "import resource, signal, sys; from pathlib import Path; from tests.engine.test_resume import resume_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "resume_file(Path(sys.argv[1])).save({'epoch': 2, 'step': 0})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "File too large" in done.stderr
    assert saved.load() == {"epoch": 1, "step": 0, "code": "a"}
    assert list(tmp_path.iterdir()) == [saved.path]


def test_what_a_cpu_saved_continues_in_the_layout_of_a_gpu(tmp_path: Path) -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 3, 8, 8)

    def begun(layout: torch.memory_format) -> tuple[nn.Module, torch.optim.Optimizer, Run]:
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 2)).to(memory_format=layout)
        optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, fused=True)
        journal = Journal(
            tmp_path / "metrics.jsonl", Tracker(Wandb(mode="disabled"), "", "", "", {}), Progress("", 2, 1)
        )
        run = Run(0, torch.device("cpu"), journal, resume_file(tmp_path))
        run.begin({"network": network, "optimizer": optimizer}, {})
        return network, optimizer, run

    def update(network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        network(images).square().mean().backward()
        optimizer.step()

    network, optimizer, run = begun(torch.contiguous_format)
    update(network, optimizer)
    run.save()
    update(network, optimizer)
    other, continued, run = begun(torch.channels_last)
    update(other, continued)
    for expected, parameter in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(parameter, expected)
        assert continued.state[parameter]["momentum_buffer"].stride() == parameter.stride()
    assert run.resumed[0]["device"] == device_name(torch.device("cpu"))
