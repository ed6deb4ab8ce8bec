"""What is right: the recorded numbers in float64, and the errors of other precisions against float64."""

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.check import Check, Row
from benchmarks.searches import CLASSES, PIXELS, Search
from benchmarks.setup import Setup
from benchmarks.trainings import Training
from pdarts.nets.agreement import IMAGES
from pdarts.nets.execution import TORCH, Execution, kernels
from tests.reference import networks, searches
from tests.reference.comparison import Place

CASES = {name: (networks.check_network, case) for name, case in networks.CASES.items()} | {
    name: (searches.CHECKS[case["kind"]], case)
    for name, case in searches.CASES.items()
    if case["kind"] in searches.CHECKS
}
QUICK = ("imagenet_pdarts", "fair_darts_search_early")
"""Cases of a dry run."""
LAYOUTS = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}
DRAWS = {False: 5, True: 1}
"""Supernets and networks of which the smallest error counts, in a check and in a dry run.

In some of them, a ReLU or maximum decides otherwise than in float64.
"""
FACTOR = 2.0
"""How many times as far from float64 as PyTorch of the same precision kernels of our own may be."""


def recorded(check: Check) -> Iterator[Row]:
    """Compare the recorded cases in either layout of memory."""
    device, names = check.setup().device, QUICK if check.dry else CASES
    for title, layout in LAYOUTS.items():
        wrong = {name: reason for name in names if (reason := difference(name, Place(device, layout)))}
        row: Row = {"layout": title, "cases": len(names), "agree": len(names) - len(wrong), "right": not wrong}
        yield row | {"differences": "; ".join(f"{name}: {reason}" for name, reason in wrong.items()) or "none"}


def difference(name: str, place: Place) -> str | None:
    """Say how a case differs from what is recorded; None if it does not."""
    compare, case = CASES[name]
    try:
        compare(case, place)
    except AssertionError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        return " ".join(lines[:3]) or "an assertion failed"
    return None


def precision(check: Check) -> Iterator[Row]:
    """Compare single and half precision, by PyTorch and by kernels of our own, with float64."""
    for title, make in MADE.items():
        for name in ("float32", "bfloat16"):
            torchs = errors(make, check, name, kernels="torch")
            yield {"work": title, "precision": name, "computed by": TORCH, **torchs}
            if (by := computing(make, check.setup(name))) != TORCH:
                own = errors(make, check, name)
                right = all(own[key] <= FACTOR * torchs[key] for key in own)
                yield {"work": title, "precision": name, "computed by": by, **own, "right": right}


def errors(make: Callable[[Setup], Any], check: Check, precision: Any, **machine: Any) -> dict[str, float]:
    """The smallest relative error of several draws, for logits and gradients."""
    draws = []
    for draw in range(DRAWS[check.dry]):
        torch.manual_seed(draw)
        setup = check.setup(precision, **machine)
        network, outcome, batch = make(setup)
        exact = values(network, outcome, (batch[0].double(), batch[1]), Execution(kernels="torch"))
        found = values(network, outcome, batch, Execution(precision, setup.machine.kernels))
        draws.append({key: apart(found[key], exact[key]) for key in exact})
    return {key: min(draw[key] for draw in draws) for key in draws[0]}


def values(network: Any, outcome: Any, batch: tuple[Tensor, Tensor], execution: Execution) -> dict[str, list[Tensor]]:
    """Logits and gradients of a copy in the type of the images."""
    one = copy.deepcopy(network).to(batch[0].dtype)
    one.execution = execution
    loss, logits = outcome(one, *batch)
    loss.backward()
    found = {"logits": [logits.detach()], "gradients": [each.grad for each in one.parameters()]}
    return found | ({"gradients of alphas": [each.grad for each in one.alphas()]} if hasattr(one, "alphas") else {})


def apart(found: list[Tensor], exact: list[Tensor]) -> float:
    """The norm of the difference, relative to that of the exact values."""
    difference = torch.stack([(one.double() - other).norm() for one, other in zip(found, exact, strict=True)]).norm()
    return float(difference / torch.stack([other.norm() for other in exact]).norm())


def computing(make: Callable[[Setup], Any], setup: Setup) -> str:
    """Name what computes if a run does not settle for something else."""
    network = make(setup)[0]
    network.execution = Execution(setup.precision, setup.machine.kernels)
    return kernels(network, setup.device)


def _supernet(stage: int, setup: Setup) -> Any:
    training = Search(stage=stage, changes={"skip_dropout": 0.0}).training(setup)
    return training.supernet, training.outcome, setup.batch(min(IMAGES, training.stage.batch_size), CLASSES, PIXELS)


def _network(setup: Setup) -> Any:
    work = Training("cifar", {"drop_path": 0.0})
    training = work.training(setup)
    return training.network, training.outcome, work.batch(setup, min(IMAGES, training.recipe.batch_size))


MADE: dict[str, Callable[[Setup], Any]] = {
    "search, stage 1": partial(_supernet, 1),
    "search, stage 3": partial(_supernet, 3),
    "training, CIFAR": _network,
}
"""Makes a network, the function that computes its loss and logits, and a batch."""
