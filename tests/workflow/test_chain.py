"""What the whole chain leaves behind, and that every step works by hand as it does in the workflow."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pdarts.nets import saved
from pdarts.space.topology import EDGES, KINDS
from tests.configuration import ROOT
from tests.workflow.tree import CONFIG, TARGET, Tree

pytestmark = pytest.mark.workflow

SEED = "results/search/tiny/seed0"
TRAINED = "results/train/tiny/seed0"


@pytest.fixture(scope="module")
def commands(finished: Tree) -> list[str]:
    """The commands of all jobs, as Snakemake prints them."""
    printed = finished.snakemake("--dry-run", "--forceall", "--printshellcmds").stdout
    return [line for line in printed.splitlines() if line.startswith("python -m pdarts.")]


def run_by_hand(tree: Tree, commands: list[str], output: str) -> None:
    """Run the one command that writes `output`, in the shell that Snakemake uses."""
    (command,) = (command for command in commands if re.search(rf" --output(-stem)? {re.escape(output)}\s", command))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(["bash", "-c", command], cwd=tree.root, env={**os.environ, "PATH": path}, check=True)


def timeless(tree: Tree, path: str) -> list[Any]:
    """What a JSON or JSON lines file holds besides provenance and seconds."""
    texts = tree.read(path).splitlines() if path.endswith(".jsonl") else [tree.read(path)]
    dropped = ("provenance", "training_provenance", "seconds", "training_seconds")
    return [{key: value for key, value in json.loads(text).items() if key not in dropped} for text in texts]


def test_a_search_stage_by_hand_gives_the_same_bits(tree: Tree, finished: Tree, commands: list[str]) -> None:
    paths = [f"{SEED}/stage2.json", f"{SEED}/stage2.metrics.jsonl"]
    for path in paths:
        (tree.root / path).unlink()
    run_by_hand(tree, commands, paths[0])
    for path in paths:
        assert timeless(tree, path) == timeless(finished, path)


def test_a_training_by_hand_gives_the_same_bits(tree: Tree, finished: Tree, commands: list[str]) -> None:
    weights, metrics = f"{TRAINED}/weights.pt", f"{TRAINED}/metrics.jsonl"
    for path in (weights, metrics):
        (tree.root / path).unlink()
    run_by_hand(tree, commands, weights)
    assert timeless(tree, metrics) == timeless(finished, metrics)
    ours, theirs = saved.load(tree.root / weights), saved.load(finished.root / weights)
    states = ours.pop("state"), theirs.pop("state")
    assert states[0].keys() == states[1].keys()
    assert all(tensor.equal(states[1][name]) for name, tensor in states[0].items())
    assert {key for key in ours if ours[key] != theirs[key]} <= {"seconds", "provenance"}


def test_a_test_by_hand_gives_the_same_numbers(tree: Tree, finished: Tree, commands: list[str]) -> None:
    path = f"{TRAINED}/test.json"
    (tree.root / path).unlink()
    run_by_hand(tree, commands, path)
    assert timeless(tree, path) == timeless(finished, path)


@pytest.mark.parametrize(
    "outputs",
    [
        ["results/data/tiny.json"],
        [f"{SEED}/genotype.json"],
        [f"{SEED}/trace.jsonl"],
        [f"{SEED}/curves.svg"],
        [f"{TRAINED}/cells.svg"],
        ["results/train/tiny/curves.svg"],
        [f"results/tables/tiny.{suffix}" for suffix in ("md", "csv", "tex", "html")],
    ],
    ids=lambda outputs: outputs[0],
)
def test_a_short_step_by_hand_gives_the_same_bytes(
    tree: Tree, finished: Tree, commands: list[str], outputs: list[str]
) -> None:
    for path in outputs:
        (tree.root / path).unlink()
    run_by_hand(tree, commands, outputs[0].removesuffix(".md"))
    for path in outputs:
        assert tree.results()[path] == finished.results()[path]


def test_every_job_has_a_command_of_its_own(commands: list[str]) -> None:
    steps = [command.split()[2].removeprefix("pdarts.") for command in commands]
    assert sorted(set(steps)) == ["curves", "derive", "draw", "prepare", "report", "search", "test", "trace", "train"]
    assert len(steps) == len(set(commands)) == 12


def test_a_trace_ends_with_the_genotype_that_is_derived(finished: Tree) -> None:
    lines = [json.loads(line) for line in finished.read(f"{SEED}/trace.jsonl").splitlines()]
    assert [(line["stage"], line["epoch"]) for line in lines] == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
    assert lines[-1]["genotype"] == json.loads(finished.read(f"{SEED}/genotype.json"))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_stage_file_keeps_its_contract(finished: Tree, number: int) -> None:
    content = finished.results()[f"{SEED}/stage{number}.json"]
    assert len(content) < 20_000
    stage = json.loads(content)
    assert set(stage) == {"stage", "settings", "cells", "epochs_run", "seconds", "provenance"}
    assert stage["stage"] == number
    assert stage["epochs_run"] == stage["settings"]["epochs"]
    assert list(stage["cells"]) == list(KINDS)
    for edges in stage["cells"].values():
        assert [tuple(edge["edge"]) for edge in edges] == list(EDGES)
        for edge in edges:
            candidates = [name for name in stage["settings"]["candidates"] if name in edge["weights"]]
            assert list(edge["weights"]) == candidates
            assert len(candidates) == stage["settings"]["operations"]
            assert sum(edge["weights"].values()) == pytest.approx(1, abs=1e-15)
    weights = [weight for edge in stage["cells"]["normal"] for weight in edge["weights"].values()]
    assert max(len(repr(weight)) for weight in weights) > 16  # digits of a double, not of a float


@pytest.mark.parametrize("number", [2, 3])
def test_a_later_stage_considers_the_strongest_operations_of_the_stage_before(finished: Tree, number: int) -> None:
    before, after = (json.loads(finished.read(f"{SEED}/stage{stage}.json"))["cells"] for stage in (number - 1, number))
    for kind in KINDS:
        for earlier, later in zip(before[kind], after[kind], strict=True):
            strongest = sorted(earlier["weights"], key=earlier["weights"].__getitem__)[-len(later["weights"]) :]
            assert set(later["weights"]) == set(strongest)


def test_each_long_step_leaves_an_offline_run_of_wandb(finished: Tree) -> None:
    runs = list((finished.root / "results" / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(runs) == 6  # three stages, derive, train, test
    assert all(run.stat().st_size > 0 for run in runs)


def test_the_logs_of_long_steps_have_a_plain_line_an_epoch(finished: Tree) -> None:
    for name, label in (
        ("search/tiny/seed0/stage3", "search tiny seed 0 stage 3"),
        ("train/tiny/seed0/train", "train tiny seed 0"),
    ):
        lines = finished.read(f"results/logs/{name}.log").splitlines()
        assert [line for line in lines if line.startswith(f"{label} | epoch 2/2: train_loss ")]
        assert "\033" not in "".join(lines)


def test_the_report_of_the_run_holds_the_table(tree: Tree) -> None:
    done = tree.python("-m", "snakemake", "--configfile", CONFIG, "--report", "results/report.html", "--", TARGET)
    assert done.returncode == 0, done.stdout
    page = tree.read("results/report.html")
    assert "Digits in the fewest seconds" in page
    for caption in (
        "Both cells of tiny, seed 0. A box is an operation",
        "How search tiny went with seed 0. Each stage",
        "How the trainings of tiny went",
        "The table tiny.",
    ):
        assert caption in page
    (categories,) = re.findall(r"^ *(?:var )?categories = (\{.*\});?$", page, re.MULTILINE)
    assert set(json.loads(categories)) == {"Cells", "Curves", "Tables"}


def test_every_figure_of_the_report_has_a_category_and_a_caption() -> None:
    rules = (ROOT / "rules" / "report.smk").read_text()
    figures = re.findall(r"\breport\(\n?(.*?)\n        \)", rules, re.DOTALL)
    assert len(figures) == 6
    for figure in figures:
        assert 'category="' in figure
        (caption,) = re.findall(r'caption="(.+?)"', figure)
        assert (ROOT / "rules" / caption).is_file()


def test_an_export_of_what_is_finished_runs_nothing_else(tree: Tree) -> None:
    printed = tree.snakemake("--dry-run", "--", f"{TRAINED}/network.onnx").stdout
    jobs = re.findall(r"^(\w+) +\d+$", printed.split("Job stats:\n")[1].split("\n\n")[0], re.MULTILINE)
    assert jobs == ["export", "total"]


def test_a_training_is_tested_before_the_next_one_begins(tree: Tree) -> None:
    text = tree.read(CONFIG)
    tree.write(CONFIG, text.replace("recipe: tiny\n    seeds: [0]", "recipe: tiny\n    seeds: [1, 2, 3]"))
    tree.edit(CONFIG, "genotype: {search: tiny, seed: each}", "genotype: {search: tiny, seed: 0}")
    tree.run("--cores", "1")
    folders = [tree.root / f"results/train/tiny/seed{seed}" for seed in (1, 2, 3)]
    times = sorted(
        (path.stat().st_mtime_ns, name)
        for folder in folders
        for name in ("weights.pt", "test.json")
        for path in [folder / name]
    )
    assert [name for _, name in times] == ["weights.pt", "test.json"] * 3
