"""How fast it is: this project beside the textbook formulation, by turns in one run, computed in several ways."""

import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.gpu.check import Check, Row
from benchmarks.run import release, seconds, warm
from benchmarks.searches import TEXTBOOK, Search
from benchmarks.setup import Setup, config, published
from benchmarks.trainings import Testing, Training
from pdarts.nets.execution import TORCH, kernels
from pdarts.settings.optimization import Precision
from pdarts.tools.cost.work import Size, Work

WAYS: dict[str, dict[str, Any]] = {
    "eager": {"kernels": "torch", "graphs": False},
    "graphs": {"kernels": "torch"},
    "graphs and kernels": {},
}
"""How ours is computed: by PyTorch's operations one by one, by these in graphs, and by kernels of our own in graphs.

Steps compute in the last of these ways that a device has.
"""
SIZES = {"cifar10": Size(50_000, 10_000, 32, 10), "imagenet": Size(1_281_167, 50_000, 224, 1000)}
STAGES = (1, 2, 3)
KINDS = {"joint_step": "joint iteration", "weights_step": "weights iteration", "evaluation": "scoring a batch"}
MINOR = 0.15
"""Part of all iterations of a method below which a kind is left out."""


def p_darts(precision: Precision, check: Check) -> Iterator[Row]:
    """Time every kind of iteration of the paper's search."""
    setup, own = check.setup(precision), has_kernels(check.setup(precision))
    for kind in KINDS:
        for stage in STAGES:
            yield searched(check, setup, Search(stage=stage, kind=kind), f"{KINDS[kind]}, stage {stage}", own)


def methods(check: Check) -> Iterator[Row]:
    """Time the iterations of all other searches of CIFAR-10, each with the batches of its own paper."""
    setup, own = check.setup(), has_kernels(check.setup())
    for preset, search in config().searches.items():
        if search.dataset == "cifar10" and len(search.stages) == 1:
            work = whole_stage(Search(preset))
            for kind in ("joint_step", "weights_step"):
                if work[kind][0] > MINOR * sum(count for count, _ in work.values()):
                    yield searched(check, setup, Search(preset, kind=kind), f"{KINDS[kind]}, {preset}", own)


def trainings(precision: Precision, check: Check) -> Iterator[Row]:
    """Time trainings and tests of the paper's cell."""
    setup = check.setup(precision)
    for recipe, dataset in (("cifar", "cifar10"), ("imagenet", "imagenet")):
        values = config().recipes[recipe].model_dump(mode="json")
        whole = Work("train", values, SIZES[dataset], published().to_json())
        own = kernels(Training(recipe).settled(setup).network, setup.device) != TORCH
        steps, tests = whole.counts()["train_step"], whole.test_counts()["evaluation"]
        row = compared(check, setup, Training(recipe), own)
        yield named(f"training, {recipe}", row, f"training {recipe}", steps, values["epochs"])
        row = compared(check, setup, Testing(recipe), own)
        yield named(f"testing a batch, {recipe}", row, f"test {recipe}", tests, 1)


def has_kernels(setup: Setup) -> bool:
    """Tell whether a search settles for kernels of our own."""
    return kernels(Search().settled(setup).supernet, setup.device) != TORCH


def searched(check: Check, setup: Setup, work: Search, name: str, own: bool) -> Row:
    """Compare an iteration of a search."""
    row = compared(check, setup, work, own, work.settings(setup).method in TEXTBOOK)
    return named(name, row, f"search {work.preset}", *whole_stage(work)[work.kind])


def whole_stage(work: Search) -> dict[str, tuple[float, int]]:
    """Number of iterations in a whole stage, and of the epochs that have them, by kind."""
    stage = config().searches[work.preset].stage_settings(work.stage)
    counts = Work("search", stage.model_dump(mode="json"), SIZES["cifar10"], None).counts()
    epochs = {"weights_step": stage.frozen_epochs, "joint_step": stage.epochs - stage.frozen_epochs}
    return {kind: (count, epochs.get(kind, stage.scored_epochs)) for kind, count in counts.items()}


def named(name: str, row: Row, of: str, count: float, epochs: int) -> Row:
    """Complete a line with how often its iteration happens, and the time of an epoch as steps compute by default."""
    default = list(row["seconds"].values())[-1]
    times = {"iterations an epoch": count / epochs, "epoch (s)": default * count / epochs}
    return {"work": name, **row, **times, "whole": {"name": of, "count": int(count)}}


def compared(check: Check, setup: Setup, work: Search | Training, own: bool, textbook: bool = True) -> Row:
    """Time the textbook, if it has the work, and ours in every way by turns; ratios are those of the turns."""
    release(setup.device)
    iterations = {"textbook": work.textbook(setup)} if textbook else {}
    for way, machine in WAYS.items():
        if own or way != "graphs and kernels":
            iterations[way] = work.ours(setup.with_machine(**machine))
    for iteration in iterations.values():
        warm(iteration, setup.device)
    turns = [{way: seconds(each, setup.device) for way, each in iterations.items()} for _ in range(check.repeats)]
    medians = {way: statistics.median(turn[way] for turn in turns) for way in iterations}
    first = next(iter(iterations))
    row: Row = {"precision": setup.precision, "n": len(turns)}
    row |= {f"{way} (ms)": 1000 * medians[way] if way in medians else None for way in ("textbook", *WAYS)}
    ratios = {way: [turn[first] / turn[way] for turn in turns] for way in iterations if way != first}
    row |= {"against": first} | {f"ratio, {way}": spread(ratios[way]) if way in ratios else None for way in WAYS}
    return row | {"seconds": medians, "turns": {way: [turn[way] for turn in turns] for way in iterations}}


def spread(ratios: list[float]) -> str:
    """The median in bold, the smallest and the largest."""
    return f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f})"
