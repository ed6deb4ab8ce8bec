"""Steps on image folders: prepared, copied to the node's disk, searched on, trained on and tested."""

import importlib
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pdarts.settings.machine import Machine, Wandb
from tests.configuration import CONFIG
from tests.data.folders import CHANGES, image_folder, write_folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a step as from the command line, without another start of torch."""

    def main(step: str, *options: str) -> None:
        monkeypatch.setattr(sys, "argv", [step, *options])
        importlib.import_module(f"pdarts.{step}").main()

    return main


def machine(root: Path) -> str:
    """Where the steps run: images in `root`, copied to a folder beside it, decoded by another process."""
    values = Machine(
        device="cpu",
        workers=1,
        data_roots={"photos": str(root)},
        local_copy=str(root.with_name("disk")),
        wandb=Wandb(mode="disabled"),
    )
    return values.model_dump_json()


def test_a_network_with_imagenets_stem_is_trained_and_tested(run: Callable[..., None], tmp_path: Path) -> None:
    """At 224 pixels, with auxiliary head, label smoothing and all augmentation."""
    write_folder(tmp_path / "photos", train=200, val=40)
    where = ("--machine", machine(tmp_path / "photos"))
    data, weights, metrics, tested = (str(tmp_path / name) for name in ("data.json", "w.pt", "m.jsonl", "test.json"))
    run("prepare", "--settings", image_folder().model_dump_json(), "--output", data, *where)
    small = {"cells": 3, "channels": 4, "epochs": 1, "batch_size": 48, "processes": 1, "warmup_epochs": 1}
    small |= {"schedule": "cosine"}
    recipe = json.dumps(CONFIG.recipes["imagenet"].model_dump(mode="json") | small)
    options = ("--genotype", "pdarts/genotypes/PDARTS.json", "--settings", recipe, "--seed", "0")
    run("train", "--data", data, *options, "--output", weights, "--metrics", metrics, *where)
    run("test", "--data", data, "--weights", weights, "--output", tested, *where)
    (line,) = [json.loads(line) for line in Path(metrics).read_text().splitlines()]
    chance = 1.4 * math.log(4)  # of four classes, with the auxiliary head
    assert 0.8 * chance < line["train_loss"] < 4 * chance
    result = json.loads(Path(tested).read_text())
    assert result["images"] == 40
    assert result["top5"] == 100  # of four classes
    assert result["settings"]["dataset"]["image_size"] == 224
    assert len(list((tmp_path / "disk" / "photos" / "train").rglob("*.jpg"))) == 200


def test_a_folder_of_small_images_is_searched_on(run: Callable[..., None], tmp_path: Path) -> None:
    write_folder(tmp_path / "photos", train=48, scale=0.25)
    where = ("--machine", machine(tmp_path / "photos"))
    data, stage, metrics = (str(tmp_path / name) for name in ("data.json", "stage1.json", "metrics.jsonl"))
    run("prepare", "--settings", image_folder(32).model_dump_json(), "--output", data, *where)
    small: dict[str, object] = {"cells": 1, "channels": 2, "batch_size": 12, "epochs": 1, "frozen_epochs": 0}
    small |= {"candidates": ["none", "skip_connect"], "operations": 2, "augmentation": CHANGES.model_dump()}
    settings = json.dumps(CONFIG.searches["digits"].stage_settings(1).model_dump(mode="json") | small)
    options = ("--stage", "1", "--settings", settings, "--seed", "0")
    run("search", "--data", data, *options, "--output", stage, "--metrics", metrics, *where)
    (line,) = [json.loads(line) for line in Path(metrics).read_text().splitlines()]
    assert line["valid_loss"] is not None
    assert line["valid_accuracy"] is not None
    assert set(json.loads(Path(stage).read_text())["cells"]) == {"normal", "reduction"}
