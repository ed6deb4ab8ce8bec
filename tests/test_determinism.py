"""The same seed and number of threads repeat a search and a training to the last bit, in another process too."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pdarts import search
from pdarts.data.batching import Batching
from pdarts.data.division import Division, divided
from pdarts.data.loaders import Loader
from pdarts.data.manifest import images_of, read
from pdarts.engine.device import set_up
from pdarts.engine.journal import Journal
from pdarts.engine.loop import NetworkTraining, fit
from pdarts.engine.progress import Progress
from pdarts.engine.resume_file import ResumeFile, remove
from pdarts.engine.run import Run
from pdarts.engine.seeds import derive_seed
from pdarts.engine.tracking import Tracker
from pdarts.nets import saved
from pdarts.nets.network import Network
from pdarts.progressive.stage import search_stage
from pdarts.settings.machine import Machine, Wandb
from pdarts.space.candidates import all_candidates
from tests.by_hand import write_manifest
from tests.configuration import CONFIG, ROOT
from tests.genotypes import FOLDER, published

MACHINE = Machine(device="cpu", threads=1, wandb=Wandb(mode="disabled"))
CPU = set_up(MACHINE)
STAGE = (
    CONFIG.searches["digits"]
    .stage_settings(1)
    .model_copy(update={"cells": 2, "channels": 2, "epochs": 2, "frozen_epochs": 1, "skip_dropout": 0.3})
)
RECIPE = CONFIG.recipes["digits"].model_copy(
    update={"cells": 2, "channels": 2, "epochs": 2, "batch_size": 32, "drop_path": 0.3}
)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 96 digits."""
    return write_manifest(tmp_path_factory.mktemp("data"), 96)


def run(name: str, *arguments: object) -> None:
    """Run a step in a process of its own."""
    command = [sys.executable, "-m", f"pdarts.{name}", *map(str, arguments), "--machine", MACHINE.model_dump_json()]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def searched(folder: Path, manifest: Path, seed: int) -> Any:
    """Architecture weights of a stage, in full precision."""
    written = ["--output", folder / "stage.json", "--metrics", folder / "metrics.jsonl"]
    run("search", "--data", manifest, "--stage", 1, "--settings", STAGE.model_dump_json(), "--seed", seed, *written)
    return json.loads((folder / "stage.json").read_text())["cells"]


def trained(folder: Path, manifest: Path, seed: int) -> dict[str, Tensor]:
    """Weights and running statistics of a network."""
    written = ["--output", folder / "weights.pt", "--metrics", folder / "metrics.jsonl"]
    given = ["--genotype", FOLDER / "PDARTS.json", "--settings", RECIPE.model_dump_json(), "--seed", seed]
    run("train", "--data", manifest, *given, *written)
    state = saved.load(folder / "weights.pt")["state"]
    assert len(state) > 100
    return state


def test_a_search_repeats_in_another_process_and_differs_with_another_seed(tmp_path: Path, manifest: Path) -> None:
    first, again = searched(tmp_path, manifest, 0), searched(tmp_path, manifest, 0)
    assert first == again
    assert searched(tmp_path, manifest, 1) != first


def test_a_training_repeats_in_another_process_and_differs_with_another_seed(tmp_path: Path, manifest: Path) -> None:
    first, again = trained(tmp_path, manifest, 0), trained(tmp_path, manifest, 0)
    assert first.keys() == again.keys()
    assert [name for name, tensor in first.items() if not tensor.equal(again[name])] == []
    other = trained(tmp_path, manifest, 1)
    assert not first["classifier.weight"].equal(other["classifier.weight"])


def run_of(output: Path, seed: int) -> Run:
    """The course of a step that writes `output`."""
    tracker = Tracker(MACHINE.wandb, "", "", "", {})
    journal = Journal(output.with_name("metrics.jsonl"), tracker, Progress("", 2, 2))
    return Run(seed, CPU, journal, ResumeFile(output, {}, other_code=False))


def test_what_was_drawn_before_a_search_does_not_matter(tmp_path: Path, manifest: Path) -> None:
    dataset = read(manifest)
    images = images_of(dataset, "train", tmp_path)
    found = []
    for drawn in (0, 7):
        torch.rand(drawn)
        loaders = [
            Loader(half, Batching(STAGE.batch_size, STAGE.augmentation, CPU), dataset.mean, dataset.std)
            for half in divided(images, Division(STAGE.train_portion))
        ]
        candidates = all_candidates(STAGE.candidates)
        course = run_of(tmp_path / "stage.json", 5)
        found.append(search_stage(STAGE, candidates, (loaders[0], loaders[1]), 10, MACHINE, course))
        remove(course.resume_file.output, course.resume_file.path.name)
    for kind, weights in found[0].weights.items():
        assert weights.equal(found[1].weights[kind])


def test_what_was_drawn_before_a_training_does_not_matter(tmp_path: Path, manifest: Path) -> None:
    dataset = read(manifest)
    images = images_of(dataset, "train", tmp_path)
    states = []
    for drawn in (0, 7):
        torch.manual_seed(3)
        network = Network(published("PDARTS"), "cifar", RECIPE.cells, RECIPE.channels, 10, False)
        torch.rand(drawn)
        loader = Loader(images, Batching(RECIPE.batch_size, RECIPE.augmentation, CPU), dataset.mean, dataset.std)
        course = run_of(tmp_path / "weights.pt", 0)
        fit(NetworkTraining(network, RECIPE, CPU, Machine()), loader, course)
        remove(course.resume_file.output, course.resume_file.path.name)
        states.append(network.state_dict())
    assert all(tensor.equal(states[1][name]) for name, tensor in states[0].items())


def test_stages_of_a_seed_and_seeds_of_a_stage_start_differently(
    tmp_path: Path, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alphas end as they started, at a rate too small to move them; stage 2 keeps all operations of stage 1."""
    alphas = STAGE.alphas.model_copy(update={"learning_rate": 1e-30})
    resting = STAGE.model_copy(update={"epochs": 1, "frozen_epochs": 0, "alphas": alphas}).model_dump_json()
    starts = []
    for seed in (0, 1):
        files = [tmp_path / f"seed{seed}-stage{number}.json" for number in (1, 2)]
        for number, more in ((1, []), (2, ["--previous", files[0]])):
            arguments = ["--data", manifest, "--stage", number, "--settings", resting, "--seed", seed, *more]
            written = [
                "--output",
                files[number - 1],
                "--metrics",
                tmp_path / "metrics.jsonl",
                "--machine",
                MACHINE.model_dump_json(),
            ]
            monkeypatch.setattr(sys, "argv", ["search.py", *map(str, [*arguments, *written])])
            search.main()
        starts += [json.loads(file.read_text())["cells"] for file in files]
    kinds = [json.dumps(start[kind]) for start in starts for kind in ("normal", "reduction")]
    assert len(set(kinds)) == 8


def test_a_purpose_has_the_same_seed_for_good() -> None:
    assert derive_seed(0, "stage", 1) == 3458482323458228181
    assert derive_seed(0, "stage", 2) != derive_seed(0, "stage", 1) != derive_seed(1, "stage", 1)
    assert len({derive_seed(seed, "images", epoch) for seed in range(50) for epoch in range(50)}) == 2500
