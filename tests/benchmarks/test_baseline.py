"""The baseline computes what the reference computed, in float64 to 1e-9."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.baseline.network import Network
from benchmarks.baseline.steps import search_step, second_order_step
from benchmarks.baseline.supernet import Supernet
from pdarts.space.candidates import all_candidates
from pdarts.space.operations import CANDIDATES
from tests.genotypes import published
from tests.reference import recorded

CASES = recorded.load("numerics")


def close(found: Tensor, expected: Any) -> None:
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(found.detach(), expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))


def supernet_of(case: dict[str, Any]) -> Supernet:
    candidates = all_candidates(CANDIDATES)
    if "candidates" in case:
        pairs = (("normal", "normal"), ("reduction", "reduce"))
        candidates = {ours: tuple(map(tuple, case["candidates"][theirs])) for ours, theirs in pairs}
    supernet = Supernet(
        case["cells"], case["channels"], case["num_classes"], candidates, case.get("partial_channels", 1)
    ).double()
    return filled(supernet, case)


def filled(network: Any, case: dict[str, Any]) -> Any:
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    network.load_state_dict(recorded.state(case, shapes))
    return network


def check(network: nn.Module, case: dict[str, Any]) -> None:
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    assert case["grad_norms"]
    for name, norm in case["grad_norms"].items():
        close(gradients[name].norm(), norm)
    for name, values in case.get("running_stats_after_mean_absmax", {}).items():
        found = network.get_buffer(name)
        close(torch.stack([found.mean(), found.abs().max()]), values)


@pytest.mark.parametrize("name", ["supernet_stage1", "supernet_stage3", "pc_darts"])
def test_its_supernets_agree_with_the_recorded_cases(name: str) -> None:
    case = CASES[name]
    supernet, images = supernet_of(case), recorded.images(case, "step0")
    logits = supernet(images)
    F.cross_entropy(logits, recorded.targets(case)).backward()
    close(logits, case["train_logits"])
    for parameter in ("alphas_normal", "alphas_reduce", "betas_normal", "betas_reduce"):
        if f"grad_{parameter}" in case:
            close(supernet.get_parameter(parameter).grad, case[f"grad_{parameter}"])
    check(supernet, case)
    close(supernet.eval()(images), case["eval_logits"])


@pytest.mark.parametrize("name", ["search_stage2", "darts_second_order"])
def test_its_steps_agree_with_the_recorded_cases(name: str) -> None:
    case = CASES[name]
    supernet, targets, first_order = supernet_of(case), recorded.targets(case), name == "search_stage2"
    sgd = torch.optim.SGD(supernet.weights(), lr=0.025, momentum=0.9, weight_decay=0.0003)
    rate = 0.0006 if first_order else 0.0003
    adam = torch.optim.Adam(supernet.alphas(), lr=rate, betas=(0.5, 0.999), weight_decay=0.001)
    for step, expected in enumerate(case["trajectory"]):
        valid = recorded.images(case, f"valid{step}"), targets
        train = recorded.images(case, f"train{step}"), targets
        if first_order:
            search_step(supernet, valid, adam, clip=5.0)
        else:
            second_order_step(supernet, valid, train, adam, sgd)
        close(search_step(supernet, train, sgd, clip=5.0), expected["weight_loss"])
        close(supernet.alphas_normal, expected["alphas_normal"])
        close(supernet.alphas_reduce, expected["alphas_reduce"])
    for name, norm in case["final_weight_norms"].items():
        close(supernet.get_parameter(name).norm(), norm)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["kind"] in ("cifar", "imagenet")])
def test_its_networks_agree_with_the_recorded_cases(name: str) -> None:
    case = CASES[name]
    size = case["cells"], case["channels"], case["num_classes"]
    network = filled(Network(published(case["genotype"]), case["kind"], *size, auxiliary=True).double(), case)
    images, targets = recorded.images(case, "step0"), recorded.targets(case)
    logits, auxiliary_logits = network(images)
    (F.cross_entropy(logits, targets) + 0.4 * F.cross_entropy(auxiliary_logits, targets)).backward()
    close(logits, case["train_logits"])
    close(auxiliary_logits, case["train_aux_logits"])
    check(network, case)
    close(network.eval()(images)[0], case["eval_logits"])
