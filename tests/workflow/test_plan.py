"""What a target will cost and did cost, asked of the finished small workflow and of changed copies."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.workflow.tree import CONFIG, TARGET, Tree

pytestmark = pytest.mark.workflow

ALWAYS = ("--configfile", CONFIG, "--target", TARGET)
STAGE = "results/search/tiny/seed0/stage1.json"


def calibrate(tree: Tree, device: str = "CPU", seconds: float = 1.0) -> None:
    """Put a calibration of every stage into the tree, as if each step had taken so many seconds."""
    program = (
        "import json, sys; from pdarts.tools.workflow import jobs, makers; from pdarts.tools.cost.work import work_of;"
        f"found = jobs(['{TARGET}'], ['--configfile', '{CONFIG}']); made = makers(found);"
        "print(json.dumps([work_of(job, made).key for job in found if job.step == 'search']))"
    )
    done = tree.python("-c", program)
    assert done.returncode == 0, done.stdout
    timing = {"n": 5, "median": seconds, "first": seconds, "memory": 10**9}
    timings = dict.fromkeys(("evaluation", "weights_step", "joint_step"), timing)
    units = [{"key": key, "timings": timings} for key in json.loads(done.stdout.splitlines()[-1])]
    folder = tree.root / "results/calibration"
    folder.mkdir(parents=True, exist_ok=True)
    value = {"device": device, "measured": "2026-01-01T00:00:00+00:00", "units": units}
    (folder / f"{device}.json").write_text(json.dumps(value))


def plan(tree: Tree, *arguments: str) -> str:
    done = tree.python("-m", "pdarts.tools.plan", *ALWAYS, *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_finished_target_has_nothing_pending(finished: Tree) -> None:
    assert "Nothing is pending." in plan(finished)


def test_what_a_setting_makes_run_again_is_planned_and_no_more(tree: Tree) -> None:
    tree.edit(CONFIG, "skip_dropout: 0.7", "skip_dropout: 0.6")
    calibrate(tree, seconds=3600)
    before = tree.stamps()
    text = plan(tree)
    lines = [line.split() for line in text.splitlines()]
    # 48 images a half are 2 batches of 32: 2 frozen, 2 moving, 2 scored
    assert ["search", "tiny", "stage", "3", "1", "6.0", "1.0", "GB"] in [line[:8] for line in lines]
    assert "stage 2" not in text
    (row,) = (line for line in lines if line[-5:] == ["3", "6.0", "+", "2", "unknown"])
    assert row[-6] == "tiny"
    assert "Total: 3 jobs, 6.0 + 2 unknown device-hours" in text
    assert tree.stamps() == before


def test_it_works_while_a_run_holds_the_lock(tree: Tree) -> None:
    (tree.root / STAGE).unlink()
    locks = tree.root / ".snakemake" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    (locks / "0.output.lock").write_text(f"{STAGE}\n")
    assert "search tiny" in plan(tree)


def test_another_seed_costs_what_the_first_one_took(tree: Tree) -> None:
    tree.edit(CONFIG, "genotype: {search: tiny, seed: each}", "genotype: {search: tiny, seed: 0}")
    text = tree.read(CONFIG)
    tree.write(CONFIG, text.replace("recipe: tiny\n    seeds: [0]", "recipe: tiny\n    seeds: [0, 1]"))
    pending = [line.split() for line in plan(tree).splitlines() if line.startswith("train tiny")]
    assert [(line[2], line[3], line[-1]) for line in pending] == [("train", "1", "recorded"), ("test", "1", "recorded")]


def test_the_ledger_has_every_finished_step(finished: Tree) -> None:
    lines = [line.split() for line in plan(finished, "--ledger").splitlines()]
    steps = [" ".join(line[2:-6]) for line in lines if line[1:2] == ["tiny"]]
    assert len(steps) == 5
    for line in (line for line in lines if line[1:2] == ["tiny"]):
        assert "unknown" in line  # nothing is calibrated
        assert "GB" in line  # results say how much memory they took


def test_planned_stands_against_actual_once_the_device_is_calibrated(tree: Tree) -> None:
    record = json.loads(tree.read(STAGE))["provenance"]
    calibrate(tree, f"{record['device']}, 1 thread", seconds=record["seconds"] / 6)
    (line,) = (line.split() for line in plan(tree, "--ledger").splitlines() if line.startswith("search tiny  stage 1"))
    assert line[7] == "1.00"


def test_a_device_that_is_unknown_is_refused(finished: Tree) -> None:
    done = finished.python("-m", "pdarts.tools.plan", *ALWAYS, "--device", "TPU")
    assert done.returncode == 1
    assert "error: --device: 'TPU' has no calibration and no results (allowed: " in done.stdout


def test_a_device_may_have_results_alone(finished: Tree) -> None:
    device = json.loads(finished.read(STAGE))["provenance"]["device"]
    assert "Nothing is pending." in plan(finished, "--device", device.split()[0].lower())


def test_a_target_that_is_misspelt_is_refused(finished: Tree) -> None:
    done = finished.python("-m", "pdarts.tools.plan", "--target", "tabel1")
    assert done.returncode == 1
    assert "error: 'tabel1' is neither a target nor a file that a rule makes; did you mean 'table1'?" in done.stdout


def test_calibrating_stores_each_setting_once_per_device(tree: Tree) -> None:
    def run() -> Path:
        target = "results/search/tiny/seed0/stage1.json"
        command = ("-m", "pdarts.tools.calibrate", "--configfile", CONFIG, "--target", target, "--limit", "0.1")
        done: subprocess.CompletedProcess[str] = tree.python(*command)
        assert done.returncode == 0, done.stdout
        return tree.root / done.stdout.splitlines()[-1]

    first = run()
    (unit,) = json.loads(first.read_text())["units"]
    assert set(unit["timings"]) == {"evaluation", "weights_step", "joint_step"}
    assert run() == first
    assert len(json.loads(first.read_text())["units"]) == 1
    tree.edit(CONFIG, "skip_dropout: 0.0", "skip_dropout: 0.1")
    (line,) = (line for line in plan(tree).splitlines() if line.startswith("search tiny  stage 1"))
    assert line.split()[-1] == "calibrated"
