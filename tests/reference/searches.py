"""Comparison of supernets, searches and what they derive with the recorded cases, in float64 to 1e-9.

The cases go through the steps, losses, optimizers and derivation of a search. Each takes the settings of a preset, so
that schedules and rates are compared too. A case that does not agree raises `AssertionError`.
"""

import math
from collections.abc import Callable
from itertools import cycle
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pdarts.progressive.method import method_of
from pdarts.progressive.refinement import derive
from pdarts.progressive.training import StageTraining
from pdarts.settings.machine import Machine
from pdarts.settings.searches import StageSettings
from pdarts.space.architecture import Architecture
from tests.configuration import CONFIG
from tests.reference import recorded
from tests.reference.comparison import (
    HERE,
    KINDS,
    Place,
    candidates_of,
    check_norms,
    check_running_statistics,
    close,
    trained,
)
from tests.searching import point_of, scalar

Case = dict[str, Any]

METHODS = recorded.load("methods")
RECORDED = recorded.load("numerics") | METHODS
CASES: dict[str, Case] = {name: case for name, case in RECORDED.items() if case["kind"] not in ("cifar", "imagenet")}

PRESETS = {"supernet": "pdarts-cifar10", "search": "pdarts-cifar10", "supernet_partial": "pc-darts-cifar10"}
"""Of the cases that name no method."""

SCHEDULES = {"beta": "auxiliary_weight", "epsilon": "radius", "regularisation_weight": "decay_weight"}
"""What a case calls the value of a schedule at its epoch, and the function of a method that gives it."""

TWICE = {case["method"] for case in METHODS.values() if ["edges", 2] in case.get("batches_tracked", [])}
"""Methods whose recorded running statistics inside edges moved twice by each batch."""


def preset(case: Case) -> StageSettings:
    """Settings that the project has for the case's method, at the case's size, with its candidates."""
    if "method" in case:
        stem = case["method"].replace("_", "-")
        name = next(name for name in CONFIG.searches if name.startswith(stem))
    else:
        name = PRESETS.get(case["kind"], "darts-second-order-cifar10")
    stage = CONFIG.searches[name].stage_settings(1)
    changes = {key: case[key] for key in ("cells", "channels", "perturbation") if key in case}
    if "method" not in case:
        changes |= {"frozen_epochs": 0}  # they were recorded at the start of the schedules, with alphas that move
    elif "candidates" in case:
        assert stage.candidates == tuple(case["candidates"])
    return stage.model_copy(update=changes)


def unclipped(stage: StageSettings) -> StageSettings:
    """Without limits on gradients, whose norms are recorded before clipping."""
    changes = {key: getattr(stage, key).model_copy(update={"clip": None}) for key in ("weights", "alphas")}
    return stage.model_copy(update=changes)


def at_rest(training: StageTraining, epoch: int) -> Any:
    """A point of the search whose steps compute gradients and move nothing."""
    point = point_of(training, epoch)
    for optimizer in (point.weights, point.alphas):
        optimizer.param_groups[0]["lr"] = 0.0
    return point


def replay(training: StageTraining, draws: list[dict[str, Any]]) -> None:
    """Let recorded numbers take the place of random ones, kind by kind and step by step."""
    device = training.point.epoch.device
    drawn = [torch.tensor(draw[kind], dtype=torch.float64) for draw in draws for kind in KINDS.values()]
    numbers = cycle([tensor.to(device) for tensor in drawn])
    training.method.draw = lambda weights: next(numbers)  # type: ignore[attr-defined]


def move_twice(case: Case, training: StageTraining) -> None:
    """Let running statistics inside edges move a second time by the same batch, as the reference's did."""
    if case.get("method") not in TWICE:
        return
    inside = {name: buffer for name, buffer in training.supernet.named_buffers() if ".edges." in name}
    before: dict[str, Tensor] = {}

    def remember(*_: Any) -> None:
        before.update({name: buffer.clone() for name, buffer in inside.items()})

    def move(*_: Any) -> None:
        for name, buffer in inside.items():
            buffer.copy_(before[name] + 1.9 * (buffer - before[name]))

    training.supernet.register_forward_pre_hook(remember)
    training.supernet.register_forward_hook(move)


def check_alphas(found: dict[str, dict[str, Tensor]], expected: dict[str, Any], prefix: str = "") -> None:
    """Architecture parameters or their gradients, as far as they are recorded."""
    for name, of_kinds in found.items():
        for kind, tensor in of_kinds.items():
            if f"{prefix}{name}s_{KINDS[kind]}" in expected:
                close(tensor, expected[f"{prefix}{name}s_{KINDS[kind]}"])


def gradients(training: StageTraining) -> dict[str, dict[str, Any]]:
    parameters = training.supernet.architecture_parameters
    return {name: {kind: one.grad for kind, one in of_kinds.items()} for name, of_kinds in parameters.items()}


def check_schedules(case: Case, training: StageTraining) -> None:
    for key, name in SCHEDULES.items():
        if isinstance(case.get(key), float):
            found = float(getattr(training.method, name)(scalar(case["epoch"])))
            assert math.isclose(found, case[key], rel_tol=1e-12), f"{name} is {found}, recorded {case[key]}"


def check_genotype(training: StageTraining, architecture: Architecture, expected: dict[str, Any]) -> None:
    """The same operations on the same edges; the references list a node's stronger edge first, we most often do not."""
    found = derive(architecture, type(training.method), max_skips=None).to_json()
    for key in ("normal", "reduce"):
        assert found[key] == IN_OUR_ORDER[training.method.listing](expected[key])


def by_source(pairs: list[Any]) -> list[Any]:
    return [
        pair for node in zip(pairs[::2], pairs[1::2], strict=True) for pair in sorted(node, key=lambda pair: pair[1])
    ]


IN_OUR_ORDER: dict[str, Any] = {
    "by source": by_source,
    "by strength": list,
    "with targets": lambda triples: sorted(triples, key=lambda triple: triple[1:]),
}
"""Recorded edges in the order in which a genotype of ours lists them."""


def check_gradients(case: Case, place: Place = HERE) -> None:
    """Losses, logits and gradients of a supernet, its running statistics, and what it derives."""
    stage, epoch = unclipped(preset(case)), case.get("epoch", 0)
    batch = place.batch(case, "step0")
    training, names = trained(case, stage, place)
    check_schedules(case, training)
    move_twice(case, training)
    if "draws" in case:
        replay(training, [case["draws"]])
        perturbed = training.method.training_weights(at_rest(training, epoch), batch)
        for kind, rows in perturbed.items():
            close(rows, case[f"weights_{KINDS[kind]}"])
    point = at_rest(training, epoch)
    loss, logits = training.method.update_weights(point, batch)
    close(logits, case["train_logits"])
    close(F.cross_entropy(logits, batch[1]), case.get("loss_classification", case["loss"]))
    of_weights = {name: norm for name, norm in case["grad_norms"].items() if not name.startswith("alphas_")}
    assert len(of_weights) == len(training.supernet.weights())
    check_norms({name: one.grad for name, one in training.supernet.named_parameters()}, names, of_weights)
    check_running_statistics(training.supernet, names, case["running_stats_after_mean_absmax"])
    training.supernet.eval()
    with torch.no_grad():
        close(training.logits(batch[0]), case["eval_logits"])
    if "grad_alphas_normal" in case:
        training, _ = trained(case, stage, place)
        loss, logits = training.method.update_alphas(at_rest(training, epoch), batch, batch)
        close(logits, case["train_logits"])
        check_alphas(gradients(training), case, "grad_")
    close(loss, case["loss"])
    if "genotype" in case:
        check_genotype(training, training.method.architecture(training.supernet), case["genotype"])


def check_joint_steps(case: Case, place: Place = HERE) -> None:
    """Several iterations of a search: losses, alphas, their gradients, and the weights behind the last."""
    training, names = trained(case, preset(case), place)
    check_schedules(case, training)
    move_twice(case, training)
    point, frozen = point_of(training, case.get("epoch", 0)), case.get("epoch", 0) < training.stage.frozen_epochs
    rate = float(point.weights.param_groups[0]["lr"])
    assert math.isclose(rate, case.get("learning_rate", 0.025), rel_tol=1e-12), f"the learning rate is {rate}"
    if "arch_learning_rate" in case:
        assert point.alphas.param_groups[0]["lr"] == case["arch_learning_rate"]
    replay(training, [step["draws"] for step in case["trajectory"] if "draws" in step])
    supernet: nn.Module = training.supernet
    for step, expected in enumerate(case["trajectory"]):
        valid = None if frozen else place.batch(case, f"valid{step}")
        (loss, _), of_alphas = training.update(place.batch(case, f"train{step}"), valid)
        if "arch_loss" in expected:
            assert of_alphas is not None
            close(of_alphas[0], expected["arch_loss"])
        close(loss, expected["weight_loss"])
        check_alphas(training.supernet.architecture_parameters, expected)
        check_alphas(gradients(training), expected, "grad_")
        if "arch_grad_norm_before_clip" in expected:
            norm = torch.stack([one.grad.norm() for one in training.supernet.alphas()]).norm()
            close(norm, expected["arch_grad_norm_before_clip"])
    assert len(case["final_weight_norms"]) >= len(training.supernet.weights())
    check_norms(dict(supernet.named_parameters()), names, case["final_weight_norms"])
    check_running_statistics(supernet, names, case["running_stats_after_mean_absmax"])
    if "eval_logits_after" in case:
        supernet.eval()
        with torch.no_grad():
            close(training.logits(place.batch(case, "step0")[0]), case["eval_logits_after"])


def small(case: Case) -> StageTraining:
    """A supernet of one cell, since its alphas alone matter."""
    stage = preset({**case, "cells": 1, "channels": 4, "perturbation": "random"})
    training = StageTraining(stage, candidates_of(case), 2, torch.device("cpu"), Machine())
    training.supernet.double()
    return training


@torch.no_grad()
def set_alphas(training: StageTraining, values: dict[str, Any]) -> None:
    for name, of_kinds in training.supernet.architecture_parameters.items():
        for kind, parameter in of_kinds.items():
            parameter.copy_(torch.tensor(values[f"{name}s_{KINDS[kind]}"], dtype=parameter.dtype))


def check_genotypes(case: Case) -> None:
    """Genotypes that many drawn alphas lead to."""
    training = small(case)
    for drawn in case["cases"]:
        set_alphas(training, drawn)
        check_genotype(training, training.method.architecture(training.supernet), drawn["genotype"])


def check_perturbed_weights(case: Case) -> None:
    """Architecture weights that SDARTS perturbs, for many drawn alphas."""
    training = small({**case, "candidates": preset(case).candidates})
    for drawn in case["cases"]:
        set_alphas(training, drawn)
        training.method.radii = (drawn["epsilon"], drawn["epsilon"])
        replay(training, [drawn["draws"]])
        batch = torch.empty(0), torch.empty(0)
        for kind, rows in training.method.training_weights(point_of(training, 0), batch).items():
            close(rows, drawn[f"weights_{KINDS[kind]}"])


def check_decays(case: Case) -> None:
    """A schedule over all epochs, by name of its decay."""
    (key,) = case.keys() & SCHEDULES.keys()
    for decay, expected in case[key].items():
        changes = {"epochs": case["epochs"], "auxiliary_decay": decay, "auxiliary_weight": case["beta0"]}
        stage = preset(case).model_copy(update=changes)
        values = [getattr(method_of(stage), SCHEDULES[key])(scalar(epoch)) for epoch in range(case["epochs"])]
        close(torch.tensor(values, dtype=torch.float64), expected)


CHECKS: dict[str, Callable[[Case, Place], None]] = {
    "supernet": check_gradients,
    "supernet_partial": check_gradients,
    "search": check_joint_steps,
    "search_second_order": check_joint_steps,
}
"""What compares a case that a device computes, by its kind."""
