"""Steps by hand: what they say of themselves, what they read and write, what they leave where the disk is full."""

import importlib
import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pdarts.checking import fields
from pdarts.engine import step
from pdarts.nets.count import parameters
from pdarts.nets.inference import Classifier
from pdarts.nets.network import Network
from pdarts.settings.base import Settings
from pdarts.settings.datasets import Dataset, ImageFolder
from pdarts.settings.machine import Machine
from pdarts.settings.methods import METHODS
from pdarts.settings.recipes import Recipe
from pdarts.settings.searches import StageSettings
from pdarts.space.operations import CANDIDATES
from tests import warm
from tests.by_hand import QUIET, call, search_arguments, stage_file, train_arguments, trained, write_manifest
from tests.genotypes import FOLDER, published

STEPS = {
    "download": {"--source", "--output", "--machine"},
    "prepare": {"--settings", "--output", "--machine"},
    "search": {
        "--data", "--stage", "--previous", "--settings", "--seed", "--output", "--metrics", "--experiment", "--machine",
        "--rehearsal", "--extensions",
    },
    "derive": {
        "--stage", "--max-skips", "--output", "--experiment", "--seed", "--machine", "--rehearsal", "--extensions",
    },
    "train": {
        "--data", "--genotype", "--settings", "--seed", "--output", "--metrics", "--experiment", "--machine",
        "--rehearsal", "--extensions",
    },
    "choose": {"--seeds", "--genotypes", "--validations", "--output", "--choice", "--rehearsal", "--extensions"},
    "sample": {"--seed", "--max-skips", "--output"},
    "test": {
        "--data", "--weights", "--genotype", "--output", "--experiment", "--seed", "--machine",
        "--rehearsal", "--extensions",
    },
    "export": {"--weights", "--genotype", "--data", "--output-stem", "--machine", "--extensions"},
    "trace": {"--stages", "--metrics", "--max-skips", "--output", "--extensions"},
    "draw": {"--genotype", "--output", "--rehearsal", "--extensions"},
    "curves": {"--title", "--metrics", "--stages", "--traces", "--output", "--rehearsal"},
    "report": {"--table", "--output-stem", "--partial", "--rehearsal", "--extensions"},
    "tools.accept": {"--target", "--reason", "--configfile", "--config"},
    "tools.calibrate": {"--target", "--configfile", "--config", "--limit", "--patience"},
    "tools.plan": {"--target", "--configfile", "--config", "--device", "--ledger"},
    "tools.convert": {"--genotype", "--line", "--form", "--output", "--extensions"},
    "tools.bring": {"--source", "--target", "--configfile", "--config", "--reason"},
    "tools.preflight": {"--target", "--profile", "--configfile", "--config"},
    "tools.tidy": {"--configfile", "--config", "--delete"},
    "tools.rehearse": {"--folder"},
    "tools.gallery": {"--output"},
    "tools.study": {"--folder", "--target", "--dry-run", "--tables"},
}  # fmt: skip


def test_these_are_all_steps_and_tools() -> None:
    package = Path(step.__file__).parents[1]
    programs = [path for path in package.rglob("*.py") if "\n    step.run(main)\n" in path.read_text()]
    assert sorted(".".join(path.relative_to(package).with_suffix("").parts) for path in programs) == sorted(STEPS)


@pytest.mark.parametrize("name", STEPS)
def test_help_explains_every_option(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(name, "--help") == "0"
    said = capsys.readouterr().out
    module = importlib.import_module(f"pdarts.{name}")
    assert module.__doc__ is not None
    assert module.__doc__.strip() in said
    explained = re.findall(r"^  (--[\w-]+)[^\n]*?(?:\n +|  +)\w", said, re.MULTILINE)
    assert set(explained) == STEPS[name]


@pytest.mark.parametrize(
    ("name", "models"),
    [("prepare", (ImageFolder, Dataset)), ("search", (StageSettings, *METHODS.values())), ("train", (Recipe,))],
)
def test_help_explains_every_setting(
    name: str, models: tuple[type[Settings], ...], capsys: pytest.CaptureFixture[str]
) -> None:
    call(name, "--help")
    said = capsys.readouterr().out
    for option, forms in (("--settings", models), ("--machine", (Machine,))):
        section = said.split(f"keys of {option}:\n")[1].split("keys of ")[0]
        assert dict(re.findall(r"^  (\S+)\n +(.+)$", section, re.MULTILINE)) == {
            key: meaning for form in forms for key, meaning in fields(form).items()
        }
        assert all(set(form.model_fields) <= set(fields(form)) for form in forms)


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("search", ["number of the stage, from 1", "seed of the whole search, from 0", "a line an epoch"]),
        ("derive", ["skip connections left in the normal cell, 0 to 8 (default: any)"]),
        ("train", ["seed of the training, from 0", "a line an epoch"]),
        ("test", ["accuracies (percent) and sizes"]),
        ("trace", ["skip connections left in the normal cell, 0 to 8 (default: any)", "from 0 (decided) to 1 (open)"]),
        ("curves", ["a line an epoch"]),
    ],
)
def test_help_tells_units_and_ranges(name: str, units: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    call(name, "--help")
    said = " ".join(capsys.readouterr().out.split())
    for unit in units:
        assert unit in said


SKIPPED = {
    (0, 2): {"none": 0.1, "skip_connect": 0.8, "sep_conv_3x3": 0.1},
    (1, 2): {"none": 0.1, "skip_connect": 0.5, "sep_conv_3x3": 0.4},
    (0, 3): {"none": 0.1, "skip_connect": 0.7, "sep_conv_3x3": 0.2},
    (1, 3): {"none": 0.1, "skip_connect": 0.3, "sep_conv_3x3": 0.6},
    (0, 4): {"none": 0.1, "skip_connect": 0.6, "sep_conv_3x3": 0.3},
    (1, 4): {"none": 0.0, "skip_connect": 0.45, "sep_conv_3x3": 0.55},
    (0, 5): {"none": 0.8, "skip_connect": 0.1, "sep_conv_3x3": 0.1},
    (3, 5): {"none": 0.2, "skip_connect": 0.2, "sep_conv_3x3": 0.6},
    (4, 5): {"none": 0.2, "skip_connect": 0.3, "sep_conv_3x3": 0.5},
}
"""Three operations; the normal cell's strongest are skips on edges 0-2 (0.8), 0-3 (0.7), 0-4 (0.6) and 1-2 (0.5)."""


@pytest.mark.parametrize(
    ("options", "skips"),
    [([], [0, 1, 2, 4]), (["--max-skips", 8], [0, 1, 2, 4]), (["--max-skips", 2], [0, 2]), (["--max-skips", 0], [])],
)
def test_derive_reads_a_stage_file_and_writes_a_genotype(
    options: list[object], skips: list[int], tmp_path: Path
) -> None:
    stage = stage_file(tmp_path / "stage3.json", ("none", "skip_connect", "sep_conv_3x3"), SKIPPED)
    output = tmp_path / "folder" / "genotype.json"
    assert call("derive", "--stage", stage, *options, "--output", output, "--machine", QUIET) is None
    genotype = json.loads(output.read_text())
    assert list(genotype) == ["normal", "normal_concat", "reduce", "reduce_concat"]
    assert genotype["normal_concat"] == genotype["reduce_concat"] == [2, 3, 4, 5]
    assert [place for place, (operation, _) in enumerate(genotype["normal"]) if operation == "skip_connect"] == skips
    assert genotype["normal"][6:] == [["sep_conv_3x3", 3], ["sep_conv_3x3", 4]]
    assert {operation for operation, _ in genotype["reduce"]} == {"sep_conv_3x3"}  # a tie: the later operation


@pytest.mark.parametrize(("number", "operations"), [(1, CANDIDATES), (2, CANDIDATES[:5]), (3, CANDIDATES[3:6])])
def test_derive_takes_the_file_of_any_stage(number: int, operations: tuple[str, ...], tmp_path: Path) -> None:
    stage = stage_file(tmp_path / "stage.json", operations, {}, number)
    output = tmp_path / "genotype.json"
    assert call("derive", "--stage", stage, "--output", output, "--machine", QUIET) is None
    pairs = [[operations[-1], source] for node in range(4) for source in (node, node + 1)]
    assert json.loads(output.read_text())["normal"] == pairs  # ties: the later operation, the later edges


def test_derive_runs_as_the_manual_says(tmp_path: Path) -> None:
    stage_file(tmp_path / "STAGE3.json", ("none", "skip_connect", "sep_conv_3x3"), SKIPPED)
    command = "-m pdarts.derive --stage STAGE3.json --max-skips 2 --output GENOTYPE.json"
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}
    subprocess.run([warm.python(), *command.split()], cwd=tmp_path, env=environment, check=True)
    assert len(json.loads((tmp_path / "GENOTYPE.json").read_text())["normal"]) == 8


def test_a_broken_wandb_is_said_and_fails_no_step(tmp_path: Path) -> None:
    stage = stage_file(tmp_path / "stage3.json", ("none", "skip_connect", "sep_conv_3x3"), SKIPPED)
    command = [warm.python(), "-m", "pdarts.derive", "--stage", stage, "--output", tmp_path / "genotype.json"]
    machine = json.dumps({"wandb": {"mode": "offline", "directory": str(tmp_path)}})
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parents[1]), "WANDB_BASE_URL": "no address"}
    done = subprocess.run([*command, "--machine", machine], env=environment, capture_output=True, text=True, check=True)
    assert "W&B is off for the rest of this step" in done.stderr
    assert len(json.loads((tmp_path / "genotype.json").read_text())["normal"]) == 8


def test_a_cell_of_triples_is_drawn_trained_and_tested(tmp_path: Path) -> None:
    manifest, weights, tested = write_manifest(tmp_path), tmp_path / "weights.pt", tmp_path / "test.json"
    genotype = ["--genotype", FOLDER / "FairDARTS_c.json"]
    assert call("draw", *genotype, "--output", tmp_path / "cells.svg") is None
    assert call("train", *train_arguments(manifest, weights, cells=3, drop_path=0.5, epochs=2), *genotype) is None
    read = ["--data", manifest, "--weights", weights]
    assert call("test", *read, "--output", tested, "--machine", QUIET) is None
    losses = [json.loads(line)["train_loss"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert len(losses) == 2
    assert all(map(math.isfinite, losses))
    result = json.loads(tested.read_text())
    assert result["epochs_run"] == torch.load(weights, weights_only=True)["epochs_run"] == 2
    assert result["genotype"] == published("FairDARTS_c").to_json()
    assert result["parameters"] == parameters(Network(published("FairDARTS_c"), "cifar", 3, 2, 10, auxiliary=False))
    assert Classifier.load(weights)(torch.zeros(1, 3, 16, 16)).shape == (1, 10)


def run_with_little_space(kilobytes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a step that cannot write files larger than this."""
    limited = f'ulimit -f {kilobytes}; exec "$@"'
    command = ["bash", "-c", limited, "bash", sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, cwd=FOLDER.parents[1], capture_output=True, text=True, check=False)


def test_a_full_disk_leaves_the_old_weights_and_no_part_of_new_ones(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path)
    weights = trained(tmp_path, manifest)
    before = weights.read_bytes()
    done = run_with_little_space(8, "pdarts.train", *train_arguments(manifest, weights))
    assert done.returncode == 1
    assert "all epochs had run" in done.stderr
    assert f"error: {weights}: File too large; free space" in done.stderr
    assert "Traceback" not in done.stderr
    assert weights.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_a_disk_that_is_full_in_the_middle_of_a_search_is_named(tmp_path: Path) -> None:
    done = run_with_little_space(1, "pdarts.search", *search_arguments(write_manifest(tmp_path), tmp_path, 1))
    assert done.returncode == 1
    assert re.search(rf"error: {tmp_path}/output\.json\.resume-\w{{8}}: File too large; free space", done.stderr)
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "output.json").exists()


@pytest.mark.parametrize("environment", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_output_that_nobody_reads_ends_a_step_without_a_word(environment: dict[str, str]) -> None:
    program = "from pdarts.engine import step; step.run(lambda: print('a line'))"
    reads, writes = os.pipe()
    os.close(reads)
    command, base = [sys.executable, "-c", program], {**os.environ, "PYTHONUNBUFFERED": ""}
    with os.fdopen(writes, "w") as pipe:
        done = subprocess.run(
            command, stdout=pipe, stderr=subprocess.PIPE, text=True, env=base | environment, check=False
        )
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")
