"""Small results files, as the other steps write them."""

import json
from pathlib import Path
from typing import Any

from pdarts.checking import parse
from pdarts.reporting.rows import Row, read_row
from pdarts.reporting.table_files import RowFiles
from pdarts.space.operations import CANDIDATES
from pdarts.space.topology import EDGES, KINDS
from tests.genotypes import published

EPOCHS = 3
RECIPE = {"train_portion": 1.0, "stem": "cifar", "cells": 8, "channels": 16, "epochs": EPOCHS, "batch_size": 96}
RECIPE |= {"drop_path": 0.3, "optimizer": {"learning_rate": 0.025, "weight_decay": 0.0003}}


def provenance(**changes: Any) -> dict[str, Any]:
    return {
        "version": "0.1.0",
        "commit": "4f1d2c9a7b3e5d6f8091a2b3c4d5e6f708192a3b",
        "clean": True,
        "python": "3.11.7",
        "torch": "2.14.1",
        "torchvision": "0.29.1",
        "snakemake": "9.27.1",
        "device": "AMD EPYC 7B13",
        "threads": 1,
        "processes": 1,
        "seed": 0,
        "started": "2026-11-24T04:00:00+00:00",
        "seconds": 12.5,
        **changes,
    }


def write(path: Path, value: object) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return str(path)


def write_test(path: Path, top1: float, cell: str = "PDARTS", **changes: Any) -> str:
    split = {"images": 450, "per_class": {"0": 225, "1": 225}, "digest": "00"}
    dataset = {
        "source": "digits",
        "train_images": None,
        "mean": [0.3, 0.3, 0.3],
        "std": [0.3, 0.3, 0.3],
        "classes": ["0", "1"],
        "image_size": 16,
        "splits": {"train": {**split, "images": 1347}, "test": split},
    }
    value = {
        "top1": top1,
        "top5": 99.5,
        "loss": 0.1,
        "images": 450,
        "parameters": 3433798,
        "multiply_adds": 532174464,
        "seconds": 12.3,
        "training_seconds": 60.0,
        "settings": {"dataset": dataset, "recipe": RECIPE},
        "genotype": published(cell).to_json(),
        "provenance": provenance(),
        "training_provenance": provenance(),
    }
    return write(path, value | changes)


def write_metrics(path: Path, epochs: int = EPOCHS, **more: float) -> str:
    lines = [
        {
            "epoch": epoch,
            "train_loss": 1 / epoch,
            "train_accuracy": 100 - 50 / epoch,
            "learning_rate": 0.025 / epoch,
            "drop_path": 0.1 * epoch,
            "seconds": 1.0,
            **more,
        }
        for epoch in range(1, epochs + 1)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def write_stage(path: Path, stage: int = 1, seconds: float = 30.0, **changes: Any) -> str:
    operations = (8, 5, 3)[stage - 1]
    edges = [{"edge": list(edge), "weights": dict.fromkeys(CANDIDATES[:operations], 1 / operations)} for edge in EDGES]
    settings = {
        "cells": (5, 11, 17)[stage - 1],
        "channels": 16,
        "operations": operations,
        "skip_dropout": 0.0,
        "alphas": {"learning_rate": 0.0006},
        "method": "p_darts",
        "candidates": list(CANDIDATES),
        "stem": "cifar",
        "epochs": EPOCHS,
        "frozen_epochs": 1,
        "batch_size": 96,
        "train_portion": 0.5,
    }
    value = {
        "stage": stage,
        "settings": settings,
        "cells": dict.fromkeys(KINDS, edges),
        "seconds": seconds,
        "provenance": provenance(),
    }
    return write(path, value | changes)


def write_stage_metrics(path: Path, stage: int = 1) -> str:
    operations = (8, 5, 3)[stage - 1]
    lines = [
        {
            "epoch": epoch,
            "train_loss": 1 / epoch,
            "train_accuracy": 50.0,
            "valid_loss": None if epoch == 1 else 1.5 / epoch,
            "valid_accuracy": 48.0 if epoch == EPOCHS else None,
            "learning_rate": 0.025 / epoch,
            "skip_dropout": 0.4 / epoch,
            "architecture_weights": dict.fromkeys(KINDS, [[1 / operations] * operations] * len(EDGES)),
            "seconds": 3.2,
        }
        for epoch in range(1, EPOCHS + 1)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def write_trace(
    path: Path,
    skips: tuple[int, ...] = (0,) * EPOCHS,
    cells: tuple[str, ...] = ("PDARTS",),
    limit: int = 8,
    stages: tuple[int, ...] = (1, 2, 3),
    frozen: int = 0,
) -> str:
    """In every stage an epoch for each number of skips without limit; the cells repeat within a stage.

    Alphas were frozen in the first epochs of each stage.
    """
    lines = [
        {
            "stage": stage,
            "epoch": epoch,
            "frozen": epoch <= frozen,
            "genotype": published(cells[(epoch - 1) % len(cells)]).to_json(),
            "skips": min(found, limit),
            "unlimited_skips": found,
            "parameters": 1000 * stage,
            "entropy": {"normal": 1 / epoch, "reduction": 1.0},
        }
        for stage in stages
        for epoch, found in enumerate(skips, 1)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def runs(folder: Path, accuracies: list[float], searches: int = 0) -> dict[str, Any]:
    """Trainings with seeds from 0 on, and searches of three stages, as `pdarts.reporting.rows.Runs` wants them."""
    for seed, accuracy in enumerate(accuracies):
        write_test(folder / f"seed{seed}/test.json", accuracy)
        write_metrics(folder / f"seed{seed}/metrics.jsonl")
    for seed in range(searches):
        for stage in (1, 2, 3):
            write_stage(folder / f"search/seed{seed}/stage{stage}.json", stage)
        write_trace(folder / f"search/seed{seed}/trace.jsonl")
    search = {"folder": str(folder / "search"), "seeds": list(range(searches)), "stages": 3}
    search |= {"choice": None, "validations": []}
    return {
        "trainings": {str(folder): list(range(len(accuracies)))},
        "dataset": "digits",
        "search": search if searches else None,
        "drawn": [],
    }


def choose(files: dict[str, Any], folder: Path, seed: int, accuracies: list[float]) -> None:
    """Make `seed` the chosen one of the searches behind a row, for validations with these accuracies."""
    search = next(iter(files["runs"].values()))["search"]
    candidates = [{"seed": place, "top1": top1, "images": 450} for place, top1 in enumerate(accuracies)]
    search["choice"] = write(folder / "choice.json", {"seed": seed, "candidates": candidates})
    settings = json.loads((folder / "seed0/test.json").read_text())["settings"]
    settings["recipe"] |= {"train_portion": 0.5, "epochs": 2}
    search["validations"] = [
        write_test(folder / f"validation/seed{place}/test.json", top1, settings=settings, seconds=10.0)
        for place, top1 in enumerate(accuracies)
    ]


def draw(runs: dict[str, Any], folder: Path, scores: dict[int, list[float]]) -> dict[str, Any]:
    """Let random searches have chosen the genotypes of trainings, by these accuracies of the draws of each seed."""
    settings = json.loads((folder / "seed0/test.json").read_text())["settings"]
    settings["recipe"] |= {"train_portion": 0.5, "epochs": 2}
    for seed, accuracies in scores.items():
        draws = range(seed * len(accuracies), (seed + 1) * len(accuracies))
        candidates = [
            {"seed": number, "top1": top1, "images": 450} for number, top1 in zip(draws, accuracies, strict=True)
        ]
        best = max(candidates, key=lambda one: one["top1"])["seed"]
        write(folder / f"drawn/seed{seed}/choice.json", {"seed": best, "candidates": candidates})
        for one in candidates:
            path = folder / f"draws/seed{one['seed']}/test.json"
            write_test(path, one["top1"], settings=settings, seconds=10.0, images=450)
    lengths = {len(accuracies) for accuracies in scores.values()}
    files = {"folder": str(folder / "drawn"), "seeds": list(scores), "draws": lengths.pop()}
    return {**runs, "random_search": {**files, "training": str(folder / "draws")}}


def row(folder: Path, accuracies: list[float], searches: int = 0, architecture: str = "P-DARTS") -> dict[str, Any]:
    """A row of a table without columns."""
    return {
        "architecture": architecture,
        "runs": {"training": runs(folder, accuracies, searches)},
        "searches": {},
        "released": {},
        "paper": None,
        "independent": {},
        "cells": [],
        "curves": [],
    }


def read(files: dict[str, Any], partial: bool = False) -> Row:
    """What the files of a row's only training hold."""
    (these,) = parse(RowFiles, files, "row").runs.values()
    return read_row(files["architecture"], these, partial)
