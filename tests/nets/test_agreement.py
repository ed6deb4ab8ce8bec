"""A backend that computes something wrong is found at the first batch, and PyTorch computes instead."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from pdarts.engine.loop import NetworkTraining
from pdarts.errors import InputError
from pdarts.nets import node
from pdarts.nets.agreement import IMAGES, errors, settle
from pdarts.nets.backends.cpu import kernels as cpu
from pdarts.nets.execution import kernels
from pdarts.nets.network import Network
from pdarts.progressive.training import StageTraining
from pdarts.settings.machine import Machine
from pdarts.space.candidates import all_candidates
from pdarts.space.operations import CANDIDATES
from tests.configuration import CONFIG
from tests.genotypes import published
from tests.searching import settings_of

CPU = torch.device("cpu")
RECIPE = CONFIG.recipes["digits"].model_copy(update={"drop_path": 0.3, "auxiliary_weight": 0.4})


class Off:
    """The CPU's kernels on a device that nobody tried, where a function of what they compute comes out."""

    NAME, COMPARED = "off", True
    suits, shape, pool, dropout = map(staticmethod, (cpu.suits, cpu.shape, cpu.pool, cpu.dropout))

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        self.change = change

    def node_sum(self, *arguments: Any) -> Tensor:
        return self.change(cpu.node_sum(*arguments))


def in_backward(out: Tensor) -> Tensor:
    if out.requires_grad:
        out.register_hook(lambda gradient: gradient * 1.1)
    return out


def not_finite(out: Tensor) -> Tensor:
    return torch.where(out > out.detach().amax(), out, torch.nan) if out.requires_grad else out


def failing(out: Tensor) -> Tensor:
    raise MemoryError("out of resource: shared memory\nmore")


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "failing": failing,
    "forward": lambda out: out * (1 + 0.1 * (out > 0)),
    "backward": in_backward,
    "in evaluation": lambda out: out if out.requires_grad else out + 0.1,
    "not finite": not_finite,
}


def supernet() -> tuple[Any, Any, int]:
    torch.manual_seed(0)
    stage = settings_of("pc_darts", cells=3, channels=8, skip_dropout=0.3)
    training = StageTraining(stage, all_candidates(CANDIDATES), 10, CPU, Machine())
    training.begin_epoch(1)
    return training.supernet, training.outcome, 8


def network() -> tuple[Any, Any, int]:
    torch.manual_seed(0)
    one = Network(published("PDARTS"), "cifar", 3, 4, 10, True)
    training = NetworkTraining(one, RECIPE, CPU, Machine())
    training.begin_epoch(9)
    return one, training.outcome, 32


def in_evaluation() -> tuple[Any, Any, int]:
    one, _, pixels = network()

    def outcome(one: Network, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits, _ = one(images)
        return F.cross_entropy(logits, labels), logits

    return one.eval(), outcome, pixels


WORK = {"supernet": supernet, "network": network, "tested network": in_evaluation}


@pytest.mark.parametrize("change", [None, *CHANGES])
@pytest.mark.parametrize("work", WORK)
def test_a_wrong_backend_is_replaced_and_a_right_one_stays(
    work: str, change: str | None, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    one, outcome, pixels = WORK[work]()
    off = Off(CHANGES.get(change, lambda out: out))  # type: ignore[call-overload]
    monkeypatch.setattr(node, "BACKENDS", (off,))
    before = {name: tensor.clone() for name, tensor in one.state_dict().items()}
    random = torch.get_rng_state()
    images = torch.randn(20, 3, pixels, pixels, generator=torch.Generator().manual_seed(0))
    settle(one, outcome, CPU, lambda: (images, LABELS))
    wrong = change is not None and not (work == "tested network" and change in ("backward", "not finite"))
    assert kernels(one, CPU) == ("torch" if wrong else "off")
    said = capfd.readouterr().err
    how = "fail (MemoryError: out of resource: shared memory), so" if change == "failing" else "are"
    assert (f"on this device, the off kernels {how}" in said) == wrong
    assert ("nan" in said or "inf" in said) == (wrong and change == "not finite")
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(tensor, before[name]) for name, tensor in one.state_dict().items())
    assert all(parameter.grad is None for parameter in one.parameters())


LABELS = torch.arange(20) % 10


@pytest.mark.parametrize("work", WORK)
def test_kernels_of_the_cpu_are_as_precise_as_pytorch_and_far_from_the_limit(work: str) -> None:
    one, outcome, pixels = WORK[work]()
    own, torchs = errors(one, outcome, torch.randn(IMAGES, 3, pixels, pixels), LABELS[:IMAGES])
    assert 0 < own.median() < 10 * torchs.median() < 1e-4
    assert own.max() < 0.02


@pytest.mark.parametrize("error", [InputError("images of 7 pixels"), torch.OutOfMemoryError("CUDA out of memory")])
def test_what_is_no_fault_of_a_backend_ends_the_step(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(out: torch.Tensor) -> torch.Tensor:
        raise error

    one, outcome, pixels = network()
    monkeypatch.setattr(node, "BACKENDS", (Off(fail),))
    with pytest.raises(type(error)):
        settle(one, outcome, CPU, lambda: (torch.randn(20, 3, pixels, pixels), LABELS))


def test_a_backend_that_was_tried_everywhere_is_not_compared() -> None:
    one, outcome, _ = network()
    settle(one, outcome, CPU, lambda: pytest.fail("a batch was fetched"))
