"""What is compared: work that both formulations do, on the same images, with the same settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.inputs import (
    baseline_input,
    baseline_whole_search,
    decoded_input,
    kept_input,
    project_input,
    project_whole_search,
)
from benchmarks.searches import Iteration, Search
from benchmarks.setup import Setup
from benchmarks.trainings import Testing, Training


@dataclass(frozen=True)
class Case:
    """Work to compare."""

    name: str
    floor: float
    """Ratio below which something is lost."""
    target: float
    textbook: Callable[[Setup], Iteration]
    """Makes the function that does the baseline's work once."""
    ours: Callable[[Setup], Iteration]
    """Makes the function that does our own work once."""
    iteration: bool = True
    """Whether it is one iteration, whose launches can be counted."""


def case(name: str, floor: float, target: float, work: Search | Training) -> Case:
    return Case(name, floor, target, work.textbook, work.ours)


def recomputed(work: Search) -> Callable[[Setup], Iteration]:
    """Make our own iteration with recomputed cells."""
    return lambda setup: work.ours(setup.with_machine(recompute=True))


def few(work: Callable[..., Training], cells: int) -> Training:
    return work("cifar", {"cells": cells})


SMALL: Mapping[str, Any] = {"cells": 3}
STAGES = (1, 2, 3)
CASES = (
    *(
        case(f"joint iteration, stage {stage}", floor, 5.0, Search(stage=stage))
        for stage, floor in ((1, 3.4), (2, 2.6), (3, 2.6))
    ),
    *(
        case(f"weights iteration, stage {stage}", 2.6, 4.0, Search(stage=stage, kind="weights_step"))
        for stage in STAGES
    ),
    case("joint iteration, second order", 2.5, 3.5, Search("darts-second-order-cifar10")),
    case("joint iteration, partial channels", 2.5, 3.5, Search("pc-darts-cifar10")),
    case("training, CIFAR", 1.5, 2.2, Training("cifar")),
    case("testing, CIFAR", 1.5, 2.5, Testing("cifar")),
    case("training, ImageNet", 1.4, 2.0, Training("imagenet")),
    case("testing, ImageNet", 1.4, 2.0, Testing("imagenet")),
    *(
        Case(
            f"joint iteration, stage {stage}, with recomputation against without",
            1 / 1.7,
            1 / 1.7,
            Search(stage=stage).ours,
            recomputed(Search(stage=stage)),
        )
        for stage in STAGES
    ),
)
ON_CPU = (
    Case("input with cutout", 8.0, 10.0, baseline_input, project_input, iteration=False),
    Case("input from small files, decoded against kept", 10.0, 20.0, decoded_input, kept_input, iteration=False),
    Case("whole small search", 2.5, 3.5, baseline_whole_search, project_whole_search, iteration=False),
)
"""Whose work, or a part of it, is a CPU's on any device."""
QUICK = (
    case("joint iteration, 3 cells", 2.6, 5.0, Search(stage=2, changes=SMALL)),
    case("weights iteration, 3 cells", 2.6, 4.0, Search(stage=3, kind="weights_step", changes=SMALL)),
    case("training, 5 cells", 1.5, 2.2, few(Training, 5)),
    case("testing, 5 cells", 1.5, 2.5, few(Testing, 5)),
    Case(
        "input with cutout", 8.0, 10.0, partial(baseline_input, number=512), partial(project_input, number=512), False
    ),
    Case(
        "input from small files", 10.0, 20.0, partial(decoded_input, number=512), partial(kept_input, number=512), False
    ),
)
