"""Steps as their command lines run them, in this process, on small files."""

import importlib
import json
import sys
from pathlib import Path

from pdarts.data.manifest import describe
from pdarts.engine import step
from pdarts.space.topology import EDGES, KINDS
from tests.configuration import CONFIG
from tests.genotypes import FOLDER

QUIET = '{"download": false, "wandb": {"mode": "disabled"}}'
"""The machine: no network, no W&B."""


def call(name: str, *arguments: object) -> str | None:
    """Run a step; what it ends with, None where all went well."""
    before, sys.argv = sys.argv, [f"{name.replace('.', '/')}.py", *map(str, arguments)]
    try:
        step.run(importlib.import_module(f"pdarts.{name}").main)
    except SystemExit as end:
        return str(end.code)
    finally:
        sys.argv = before
    return None


def write_manifest(folder: Path, images: int = 64) -> Path:
    """The manifest of so many digits."""
    path = folder / "digits.json"
    dataset = CONFIG.datasets["digits"].model_copy(update={"train_images": images})
    path.write_text(describe(dataset, folder, download=False).model_dump_json())
    return path


def stage_file(
    path: Path, operations: tuple[str, ...], normal: dict[tuple[int, int], dict[str, float]], number: int = 3
) -> Path:
    """Write a stage file by hand: equal weights on every edge but those of the normal cell that are given."""
    equal = dict.fromkeys(operations, 1 / len(operations))
    cells = {kind: [{"edge": list(edge), "weights": dict(equal)} for edge in EDGES] for kind in KINDS}
    for edge, weights in normal.items():
        assert set(weights) == set(operations)
        cells["normal"][EDGES.index(edge)]["weights"] = {name: weights[name] for name in operations}
    path.write_text(json.dumps({"stage": number, "settings": {}, "cells": cells, "seconds": 1.0, "provenance": {}}))
    return path


def search_arguments(manifest: Path, folder: Path, stage: int, *more: object) -> list[object]:
    """Of a stage with one cell and one epoch that writes `output.json`."""
    small = {"cells": 1, "channels": 2, "epochs": 1, "frozen_epochs": 0}
    settings = CONFIG.searches["digits"].stage_settings(stage).model_copy(update=small).model_dump_json()
    written = ["--output", folder / "output.json", "--metrics", folder / "output.metrics.jsonl"]
    given = ["--data", manifest, "--stage", stage, "--settings", settings, "--seed", 0]
    return [*given, *written, "--machine", QUIET, *more]


def train_arguments(manifest: Path, weights: Path, **changes: object) -> list[object]:
    """Of a training with two cells and one epoch."""
    small = {"cells": 2, "channels": 2, "epochs": 1, "batch_size": 32, **changes}
    settings = CONFIG.recipes["digits"].model_copy(update=small).model_dump_json()
    given = ["--data", manifest, "--genotype", FOLDER / "PDARTS.json", "--settings", settings, "--seed", 0]
    return [*given, "--output", weights, "--metrics", weights.with_name("metrics.jsonl"), "--machine", QUIET]


def trained(folder: Path, manifest: Path) -> Path:
    """Weights of that training."""
    weights = folder / "weights.pt"
    assert call("train", *train_arguments(manifest, weights)) is None
    return weights
