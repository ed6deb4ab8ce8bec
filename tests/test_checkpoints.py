"""Weights that others trained go through the test step like our own."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from pdarts import test as test_step
from pdarts.data.manifest import describe, images_of
from pdarts.engine import step
from pdarts.nets import count, saved
from pdarts.settings.datasets import Dataset
from pdarts.space.forms import writing
from tests.configuration import CONFIG
from tests.genotypes import FOLDER, published
from tests.nets.released import state, write_cifar, write_imagenet

DIGITS: Dataset = CONFIG.datasets["digits"]
QUIET = '{"device": "cpu", "wandb": {"mode": "disabled"}}'


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The manifest of the digits: 10 classes, 445 test images."""
    path = tmp_path / "digits.json"
    path.write_text(describe(DIGITS, tmp_path, download=False).model_dump_json())
    return path


def run(monkeypatch: pytest.MonkeyPatch, data: Path, weights: Path, *options: str) -> Any:
    output = data.with_name("test.json")
    command = ["pdarts.test", "--data", str(data), "--weights", str(weights), "--output", str(output), *options]
    monkeypatch.setattr(sys, "argv", [*command, "--machine", QUIET])
    step.run(test_step.main)
    return json.loads(output.read_text())


def named(genotype: str) -> tuple[str, str]:
    return "--genotype", str(FOLDER / f"{genotype}.json")


@pytest.mark.parametrize("write", [write_cifar, write_imagenet])
def test_a_checkpoint_is_scored_on_all_test_images(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path, write: Any
) -> None:
    weights, cell = write(tmp_path / "weights.pt", state("cifar_pdarts")), tmp_path / "theirs"
    cell.write_text(json.dumps(writing.nasbench301(published("PDARTS"))))
    result = run(monkeypatch, data, weights, "--genotype", str(cell))

    network = saved.network_of(saved.load(weights, published("PDARTS")), "weights")
    images = images_of(describe(DIGITS, tmp_path, download=False), "test", tmp_path)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (DIGITS.mean, DIGITS.std))
    with torch.no_grad():
        predicted = network((images.images / 255 - mean) / std)[0].argmax(1)
    assert result["top1"] == pytest.approx(100 * (predicted == images.labels).float().mean().item(), abs=0.5)
    assert result["images"] == 445
    assert result["parameters"] == count.parameters(network)
    assert result["network"] == {"stem": "cifar", "cells": 6, "channels": 8, "classes": 10, "auxiliary": True}
    assert result["genotype"] == published("PDARTS").to_json()
    assert result["settings"]["recipe"] is None
    assert result["training_seconds"] is None
    assert result["training_provenance"] is None


def test_the_auxiliary_head_changes_neither_scores_nor_sizes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path
) -> None:
    with_head = run(monkeypatch, data, write_cifar(tmp_path / "a.pt", state("cifar_pdarts")), *named("PDARTS"))
    content = state("cifar_pdarts", auxiliary=False)
    without = run(monkeypatch, data, write_cifar(tmp_path / "b.pt", content), *named("PDARTS"))
    for key in ("top1", "top5", "loss", "images", "parameters", "multiply_adds"):
        assert with_head[key] == without[key]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (
            state("cifar_pdarts", classes=100),
            named("PDARTS"),
            r"has 100 classes, but .*digits\.json has 10; test it on the dataset it was trained on$",
        ),
        (state("cifar_pdarts"), (), "does not say its genotype; name that too: --genotype"),
        (state("cifar_pdarts"), named("NASNet"), r"tensors differ:\n  cells\.0\."),
        (state("cifar_pdarts"), ("--genotype", "mine.json"), "mine.json: this genotype file does not exist"),
    ],
)
def test_what_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    data: Path,
    content: Any,
    options: tuple[str, ...],
    message: str,
) -> None:
    with pytest.raises(SystemExit, match=message):
        run(monkeypatch, data, write_cifar(tmp_path / "weights.pt", content), *options)
    assert not data.with_name("test.json").exists()
