"""What a stage does epoch by epoch, on real digits."""

import json
from pathlib import Path

import pytest
import torch

from pdarts.data.batching import Batching
from pdarts.data.division import Division, divided
from pdarts.data.loaders import Loader
from pdarts.engine.journal import Journal
from pdarts.engine.progress import Progress
from pdarts.engine.resume_file import ResumeFile, remove
from pdarts.engine.run import Run
from pdarts.engine.tracking import Tracker
from pdarts.progressive.stage import search_stage
from pdarts.settings.machine import Machine, Wandb
from pdarts.settings.searches import StageSettings
from pdarts.space.candidates import all_candidates
from tests.configuration import CONFIG
from tests.data.sources import load

CPU = torch.device("cpu")
MACHINE = Machine()
OPERATIONS = ("none", "skip_connect", "sep_conv_3x3")


def stage(**changes: object) -> StageSettings:
    settings = CONFIG.searches["digits"].stage_settings(1)
    small = {
        "cells": 1,
        "channels": 2,
        "operations": 3,
        "candidates": OPERATIONS,
        "batch_size": 16,
        "skip_dropout": 0.5,
    }
    return settings.model_copy(update=small | changes)


def run(settings: StageSettings, folder: Path, seed: int = 0, machine: Machine = MACHINE) -> list[dict]:
    """The metrics of a stage on 64 digits."""
    split = load("digits", folder, download=False).train.part(0, 64)
    augmentation = settings.augmentation
    loaders = [
        Loader(half, Batching(settings.batch_size, augmentation, CPU), (0.3,) * 3, (0.4,) * 3)
        for half in divided(split, Division(settings.train_portion))
    ]
    path = folder / "metrics.jsonl"
    journal = Journal(path, Tracker(Wandb(mode="disabled"), "", "", "", {}), Progress("", settings.epochs, 2))
    course = Run(seed, CPU, journal, ResumeFile(folder / "stage.json", {}, other_code=False))
    search_stage(settings, all_candidates(OPERATIONS), (loaders[0], loaders[1]), 10, machine, course)
    remove(course.resume_file.output, course.resume_file.path.name)
    assert course.epochs_run == settings.epochs
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    return run(stage(epochs=4, frozen_epochs=2, scored_epochs=1), tmp_path_factory.mktemp("stage"))


def test_alphas_rest_while_frozen_and_move_afterwards(metrics: list[dict]) -> None:
    weights = [line["architecture_weights"] for line in metrics]
    assert weights[0] == weights[1]
    assert weights[1] != weights[2] != weights[3]
    assert [line["valid_loss"] is None for line in metrics] == [True, True, False, False]


def test_accuracy_on_the_alphas_images_is_logged_in_the_last_epochs_only(metrics: list[dict]) -> None:
    assert [line["valid_accuracy"] is None for line in metrics] == [True, True, True, False]


def test_the_metrics_tell_learning_rate_and_dropout_of_each_epoch(metrics: list[dict]) -> None:
    assert [line["epoch"] for line in metrics] == [1, 2, 3, 4]
    assert metrics[0]["learning_rate"] == 0.025
    assert [line["skip_dropout"] for line in metrics][:3] == [0.5 * 3 / 4, 0.5 * 2 / 4, 0.5]


def test_alphas_start_small_and_random(metrics: list[dict]) -> None:
    rows = torch.tensor(metrics[0]["architecture_weights"]["normal"])
    assert rows.shape == (14, 3)
    assert 0 < (rows - 1 / 3).abs().max() < 0.002


def test_epochs_run_are_those_that_ended_where_a_loop_is_left_early(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "metrics.jsonl", Tracker(Wandb(mode="disabled"), "", "", "", {}), Progress("", 9, 1))
    course = Run(0, CPU, journal, ResumeFile(tmp_path / "stage.json", {}, other_code=False))
    course.begin({}, {})
    for epoch in course.epochs(9):
        journal.epoch(epoch, {"train_loss": 1.0})
        if epoch == 3:
            break
    assert course.epochs_run == len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 4


def test_batches_of_alphas_can_be_drawn_anew(tmp_path: Path) -> None:
    anew, passes = (
        run(stage(epochs=1, frozen_epochs=0, scored_epochs=0, alphas_batches=batches), tmp_path)
        for batches in ("anew", "passes")
    )
    assert anew[0]["architecture_weights"] != passes[0]["architecture_weights"]


def test_the_alphas_images_are_shuffled_anew_when_they_run_out(tmp_path: Path) -> None:
    lines = run(stage(epochs=1, frozen_epochs=0, scored_epochs=0, train_portion=0.8), tmp_path)
    assert lines[0]["valid_loss"] is not None  # 51 images for weights are 4 steps, 13 for alphas 1 batch
