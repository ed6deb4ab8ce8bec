"""Supernets and evaluation networks compute what the reference computed, in float64 to 1e-9."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pdarts.nets.network import Network
from pdarts.nets.reference import network_state, supernet_state
from pdarts.nets.supernet import Supernet
from pdarts.nets.translation import translate
from pdarts.progressive.bilevel import alphas_step, second_order_alphas_step, weights_step
from pdarts.progressive.refinement import derive
from pdarts.space.candidates import Candidates, all_candidates
from pdarts.space.genotype import Genotype
from pdarts.space.operations import CANDIDATES
from tests.genotypes import published
from tests.reference import recorded

CASES = recorded.load("numerics")


def close(found: Tensor | float, expected: Any) -> None:
    """Agreement to 1e-9 relative plus 1e-9 of the largest magnitude."""
    found, expected = torch.as_tensor(found, dtype=torch.float64), torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(found.detach(), expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))


def tuples(candidates: dict[str, list[list[str]]]) -> dict[str, tuple[tuple[str, ...], ...]]:
    return {
        ours: tuple(tuple(row) for row in candidates[theirs])
        for ours, theirs in (("normal", "normal"), ("reduction", "reduce"))
    }


def same_names(case: dict[str, Any], translate: Any) -> dict[str, str]:
    """Our name of every tensor of the reference, by sending each through the translation as a number."""
    shapes = case["state_dict_shapes"]
    names = [name for name in shapes if not name.endswith("num_batches_tracked")]
    marked = {name: torch.empty(shapes[name], device="meta") for name in names}
    ours = translate(marked)
    by_identity = {id(tensor): name for name, tensor in ours.items()}
    return {name: by_identity[id(marked[name])] for name in names}


def candidates_of(case: dict[str, Any]) -> dict[str, Candidates]:
    """The case's own; all eight where it names none."""
    return tuples(case["candidates"]) if "candidates" in case else all_candidates(CANDIDATES)


def supernet_of(case: dict[str, Any], shapes: dict[str, list[int]]) -> tuple[Supernet, dict[str, str]]:
    candidates, share = candidates_of(case), case.get("partial_channels", 1)
    supernet = Supernet(case["cells"], case["channels"], case["num_classes"], candidates, share).double()
    names = same_names({"state_dict_shapes": shapes}, lambda state: supernet_state(state, candidates, share))
    supernet.load_state_dict(supernet_state(recorded.state(case, shapes), candidates, share))
    return supernet, names


def shapes_of_search(case: dict[str, Any]) -> dict[str, list[int]]:
    """The names that the case lists, with the shapes that our own supernet gives their translations."""
    candidates = candidates_of(case)
    supernet = Supernet(case["cells"], case["channels"], case["num_classes"], candidates)
    ours = {name: list(tensor.shape) for name, tensor in supernet.state_dict().items()}
    theirs = [*case["final_weight_norms"], *case["running_stats_after_mean_absmax"]]
    return {name: ours[_translated(name, supernet, candidates)] for name in theirs}


def _translated(name: str, supernet: Supernet, candidates: Any) -> str:
    kinds = supernet.kinds

    def place(cell: int, part: str) -> tuple[str, str]:
        _, edge, _, operation = part.split(".")
        operation_name = candidates[kinds[cell]][int(edge)][int(operation)]
        return f"edges.{edge}.operations.{operation_name}", operation_name

    (ours,) = translate({name: torch.empty(0)}, place)
    return ours


def check_running_statistics(network: nn.Module, names: dict[str, str], expected: dict[str, list[float]]) -> None:
    buffers = dict(network.named_buffers())
    assert len(expected) == len(buffers)
    for name, values in expected.items():
        found = buffers[names[name]]
        close(torch.stack([found.mean(), found.abs().max()]), values)


def check_gradient_norms(network: nn.Module, names: dict[str, str], expected: dict[str, float]) -> None:
    parameters = dict(network.named_parameters())
    for name, norm in expected.items():
        gradient = parameters[names[name]].grad
        assert gradient is not None
        close(gradient.norm(), norm)


@pytest.mark.parametrize("name", ["supernet_stage1", "supernet_stage3"])
def test_supernet_agrees_with_the_recorded_case(name: str) -> None:
    case = CASES[name]
    supernet, names = supernet_of(case, case["state_dict_shapes"])
    images, targets = recorded.images(case, "step0"), recorded.targets(case)
    logits = supernet(images)
    loss = F.cross_entropy(logits, targets)
    loss.backward()
    close(logits, case["train_logits"])
    close(loss, case["loss"])
    close(supernet.alpha["normal"].grad, case["grad_alphas_normal"])
    close(supernet.alpha["reduction"].grad, case["grad_alphas_reduce"])
    assert len(case["grad_norms"]) >= len(supernet.weights())
    check_gradient_norms(supernet, names, case["grad_norms"])
    check_running_statistics(supernet, names, case["running_stats_after_mean_absmax"])
    close(supernet.eval()(images), case["eval_logits"])


def test_search_trajectory_agrees_with_the_recorded_case() -> None:
    case = CASES["search_stage2"]
    supernet, names = supernet_of(case, shapes_of_search(case))
    targets = recorded.targets(case)
    sgd = torch.optim.SGD(supernet.weights(), lr=0.025, momentum=0.9, weight_decay=0.0003)
    adam = torch.optim.Adam(supernet.alphas(), lr=0.0006, betas=(0.5, 0.999), weight_decay=0.001)
    for step, expected in enumerate(case["trajectory"]):
        valid, train = recorded.images(case, f"valid{step}"), recorded.images(case, f"train{step}")
        close(alphas_step(supernet, (valid, targets), adam, clip=5.0, skip_dropout=0.0)[0], expected["arch_loss"])
        close(weights_step(supernet, (train, targets), sgd, clip=5.0, skip_dropout=0.0)[0], expected["weight_loss"])
        close(supernet.alpha["normal"], expected["alphas_normal"])
        close(supernet.alpha["reduction"], expected["alphas_reduce"])
    parameters = dict(supernet.named_parameters())
    assert len(case["final_weight_norms"]) == len(parameters)
    for name, norm in case["final_weight_norms"].items():
        close(parameters[names[name]].norm(), norm)
    check_running_statistics(supernet, names, case["running_stats_after_mean_absmax"])
    close(supernet.eval()(recorded.images(case, "step0")), case["eval_logits_after"])


def test_second_order_search_agrees_with_the_recorded_case() -> None:
    case = CASES["darts_second_order"]
    shapes = shapes_of_search(case) | {f"alphas_{kind}": [14, 8] for kind in ("normal", "reduce")}
    supernet, names = supernet_of(case, shapes)
    targets = recorded.targets(case)
    sgd = torch.optim.SGD(supernet.weights(), lr=0.025, momentum=0.9, weight_decay=0.0003)
    adam = torch.optim.Adam(supernet.alphas(), lr=0.0003, betas=(0.5, 0.999), weight_decay=0.001)
    for step, expected in enumerate(case["trajectory"]):
        valid, train = recorded.images(case, f"valid{step}"), recorded.images(case, f"train{step}")
        second_order_alphas_step(supernet, (valid, targets), (train, targets), adam, sgd, None, 0.0)
        for ours, theirs in (("normal", "normal"), ("reduction", "reduce")):
            close(supernet.alpha[ours].grad, expected[f"grad_alphas_{theirs}"])
            close(supernet.alpha[ours], expected[f"alphas_{theirs}"])
        close(weights_step(supernet, (train, targets), sgd, clip=5.0, skip_dropout=0.0)[0], expected["weight_loss"])
    parameters = dict(supernet.named_parameters())
    for name, norm in case["final_weight_norms"].items():
        close(parameters[names[name]].norm(), norm)
    check_running_statistics(supernet, names, case["running_stats_after_mean_absmax"])


def test_partial_channels_agree_with_the_recorded_case() -> None:
    case = CASES["pc_darts"]
    kinds = (("normal", "normal"), ("reduction", "reduce"))
    architecture = {f"alphas_{kind}": [14, 8] for _, kind in kinds} | {f"betas_{kind}": [14] for _, kind in kinds}
    supernet, names = supernet_of(case, case["state_dict_shapes"] | architecture)
    images, targets = recorded.images(case, "step0"), recorded.targets(case)
    logits = supernet(images)
    loss = F.cross_entropy(logits, targets)
    loss.backward()
    close(logits, case["train_logits"])
    close(loss, case["loss"])
    for ours, theirs in kinds:
        close(supernet.alpha[ours].grad, case[f"grad_alphas_{theirs}"])
        close(supernet.beta[ours].grad, case[f"grad_betas_{theirs}"])
    check_gradient_norms(supernet, names, case["grad_norms"])
    check_running_statistics(supernet, names, case["running_stats_after_mean_absmax"])
    close(supernet.eval()(images), case["eval_logits"])
    genotype = derive(supernet.architecture(), max_skips=None)
    assert [list(pair) for pair in genotype.normal] == case["genotype"]["normal"]
    assert [list(pair) for pair in genotype.reduce] == case["genotype"]["reduce"]


NETWORKS = [name for name, case in CASES.items() if case["kind"] in ("cifar", "imagenet")]


@pytest.mark.parametrize("name", NETWORKS)
def test_evaluation_network_agrees_with_the_recorded_case(name: str) -> None:
    case = CASES[name]
    genotype: Genotype = published(case["genotype"])
    network = Network(genotype, case["kind"], case["cells"], case["channels"], case["num_classes"], True).double()
    names = same_names(case, lambda state: network_state(state, genotype))
    network.load_state_dict(network_state(recorded.state(case, case["state_dict_shapes"]), genotype))
    images, targets = recorded.images(case, "step0"), recorded.targets(case)
    logits, auxiliary_logits = network(images)
    assert auxiliary_logits is not None
    loss = F.cross_entropy(logits, targets) + 0.4 * F.cross_entropy(auxiliary_logits, targets)
    loss.backward()
    close(logits, case["train_logits"])
    close(auxiliary_logits, case["train_aux_logits"])
    close(loss, case["loss"])
    assert len(case["grad_norms"]) == len(list(network.parameters()))
    check_gradient_norms(network, names, case["grad_norms"])
    if "running_stats_after_mean_absmax" in case:
        check_running_statistics(network, names, case["running_stats_after_mean_absmax"])
    close(network.eval()(images)[0], case["eval_logits"])
