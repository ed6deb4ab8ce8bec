"""What GPUs and small memories want of a network changes nothing, or only what it says; all of it on the CPU."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import Any, get_args

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from pdarts.nets.drop_path import dropped, kept
from pdarts.nets.execution import kernels, move_to_device
from pdarts.nets.network import Network
from pdarts.nets.node import Branch, NodeValue
from pdarts.nets.operations import BatchNorm, Identity, Pool, precise, times
from pdarts.progressive.training import StageTraining
from pdarts.settings.machine import Kernels, Machine
from pdarts.settings.methods import METHODS
from pdarts.settings.optimization import Precision
from pdarts.space.operations import CANDIDATES
from pdarts.space.topology import KINDS
from pdarts.tools.cost.timing import mixed_candidates
from tests.genotypes import published
from tests.searching import logits, point_of, scalar, training_of

CPU = torch.device("cpu")
PLAIN = Machine(kernels="torch")
Batch = tuple[Tensor, Tensor]


def search(method: str = "darts", **changes: Any) -> StageTraining:
    torch.manual_seed(0)
    return training_of(dict.fromkeys(KINDS, mixed_candidates(CANDIDATES, 4)), method, cells=3, channels=4, **changes)


def network() -> Network:
    torch.manual_seed(0)
    return Network(published("PDARTS"), "cifar", 3, 4, 10, auxiliary=True)


def network_of_triples() -> Network:
    torch.manual_seed(0)
    return Network(published("FairDARTS_c"), "cifar", 3, 4, 10, auxiliary=True)


def batch() -> Batch:
    return torch.randn(3, 3, 8, 8), torch.arange(3)


def search_steps(one: StageTraining) -> list[Tensor]:
    """Losses of two steps of both kinds, from the same random numbers."""
    torch.manual_seed(1)
    point = replace(point_of(one, 0), skip_dropout=scalar(0.3))
    losses = []
    for _ in range(2):
        valid, train = batch(), batch()
        losses.append(one.method.update_alphas(point, valid, train)[0])
        losses.append(one.method.update_weights(point, train)[0])
    return losses


def training_step(one: Network) -> list[Tensor]:
    torch.manual_seed(1)
    images, labels = torch.randn(4, 3, 32, 32), torch.arange(4)
    sgd = torch.optim.SGD(one.parameters(), 0.1, momentum=0.9)
    losses = []
    for _ in range(2):
        logits, auxiliary_logits = one(images, drop_path=scalar(0.3))
        assert auxiliary_logits is not None
        loss = F.cross_entropy(logits, labels) + 0.4 * F.cross_entropy(auxiliary_logits, labels)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        losses.append(loss.detach())
    return losses


def module_of(one: StageTraining | Network) -> Any:
    return one.supernet if isinstance(one, StageTraining) else one


WORK: dict[str, tuple[Callable[[], Any], Callable[[Any], list[Tensor]]]] = {
    "first order": (search, search_steps),
    "second order": (partial(search, "second_order"), search_steps),
    "partial channels": (partial(search, "pc_darts", partial_channels=2), search_steps),
    "adversarial": (partial(search, "sdarts", perturbation="adversarial"), search_steps),
    "training": (network, training_step),
    "training of cells with fewer edges": (network_of_triples, training_step),
}


@pytest.mark.parametrize("chosen", get_args(Kernels))
@pytest.mark.parametrize("work", WORK)
def test_recomputation_changes_no_bit(work: str, chosen: Kernels) -> None:
    make, step = WORK[work]
    found, calls = [], []
    for recompute in (False, True):
        one, passes = make(), []
        module = module_of(one)
        move_to_device(module, CPU, "float32", Machine(kernels=chosen, recompute=recompute))
        for cell in module.cells:
            cell.register_forward_pre_hook(lambda *_, passes=passes: passes.append(torch.is_grad_enabled()))
        losses = step(one)
        calls.append(sum(passes))  # those with a backward pass
        found.append({f"loss {number}": loss for number, loss in enumerate(losses)} | module.state_dict())
    plain, checkpointed = found
    assert [name for name in plain if not plain[name].equal(checkpointed[name])] == []
    norms = [module for module in module_of(make()).modules() if isinstance(module, BatchNorm)]
    moved = [name for name in plain if name.endswith("running_mean") and plain[name].abs().sum() > 0]
    assert len(moved) == len(norms)
    assert calls[1] == 2 * calls[0]


@pytest.mark.parametrize("work", WORK)
def test_bfloat16_is_for_feature_maps_alone(work: str) -> None:
    make, step = WORK[work]
    found, types = [], set()
    for precision in ("float32", "bfloat16"):
        one = make()
        module = module_of(one)
        move_to_device(module, CPU, precision, Machine())  # type: ignore[arg-type]
        for cell in module.cells:
            cell.register_forward_hook(lambda _, __, output: types.add(output.dtype))
        found.append(step(one))
        gradients = [weight.grad for weight in module.parameters() if weight.grad is not None]
        tensors = [*module.state_dict().values(), *gradients]
        assert {tensor.dtype for tensor in (*tensors, *found[-1])} == {torch.float32}
    assert types == {torch.float32, torch.bfloat16}
    assert found[0] != found[1]
    torch.testing.assert_close(found[1][0], found[0][0], rtol=0.05, atol=0.05)


def test_in_bfloat16_neither_factors_nor_their_gradients_are_rounded() -> None:
    torch.manual_seed(0)
    exact = torch.randn(4, 3, 8, 8).bfloat16().double()
    for rate in (0.3, 0.7):
        factors = kept(exact.bfloat16(), scalar(rate))
        assert set(factors.flatten().tolist()) <= {0.0, torch.tensor(1 / (1 - rate)).item()}
        for found, expected in ((times(exact.bfloat16(), factors), exact * factors), (dropped_of(exact, rate))):
            assert found.dtype == torch.bfloat16
            assert torch.equal(found, expected.bfloat16())
    for operation in (Identity(), Pool("max", 3, 1, True), Pool("avg", 3, 1, True)):
        found = []
        for x in (exact, exact.bfloat16()):
            weight = torch.tensor(0.3, dtype=precise(x), requires_grad=True)
            Branch(copy.deepcopy(operation).to(precise(x)), NodeValue(x), weight).value().square().sum().backward()
            found.append(float(weight.grad))  # type: ignore[arg-type]
        assert found[1] == pytest.approx(found[0], rel=1e-3)  # 8 bits are 4e-3
        assert found[1] != torch.tensor(found[1]).bfloat16().item()


def dropped_of(exact: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    seed = torch.tensor(7)
    return dropped(exact.bfloat16(), scalar(rate), seed), dropped(exact, scalar(rate), seed)


@pytest.mark.parametrize("chosen", get_args(Kernels))
@pytest.mark.parametrize("work", ["first order", "training"])
def test_channels_last_computes_the_same(work: str, chosen: Kernels) -> None:
    make, _ = WORK[work]
    one = make()
    module_of(one).double()
    move_to_device(module_of(one), CPU, "float32", PLAIN)
    images = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    other = copy.deepcopy(one)
    module_of(other).to(memory_format=torch.channels_last)
    move_to_device(module_of(other), CPU, "float32", Machine(kernels=chosen))
    layouts: list[bool] = []
    module_of(other).cells[0].register_forward_hook(
        lambda _, __, output: layouts.append(output.is_contiguous(memory_format=torch.channels_last))
    )
    outcomes = [outcome(each, images) for each in (one, other)]
    assert layouts == [chosen == "torch"]
    for plain, last in zip(*outcomes, strict=True):
        torch.testing.assert_close(last, plain, rtol=1e-9, atol=1e-10)


def outcome(one: StageTraining | Network, images: Tensor) -> list[Tensor]:
    """Logits, gradients and statistics."""
    found = logits(one, images) if isinstance(one, StageTraining) else one(images)[0]
    found.square().sum().backward()
    module = module_of(one)
    gradients = [weight.grad for weight in module.parameters() if weight.grad is not None]
    return [found.detach(), *gradients, *module.buffers()]


class Waiting(TorchDispatchMode):
    """Counts operations for which the CPU waits for a GPU: those whose outcome Python, or a shape, needs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        name = str(function)
        if name.startswith(("aten._local_scalar_dense", "aten.nonzero", "aten.is_nonzero", "aten.masked_select")):
            self.found.append(name)
        return function(*arguments, **(named or {}))


@pytest.mark.parametrize("method", METHODS)
def test_no_search_step_waits_for_the_device(method: str) -> None:
    one = search(method)
    move_to_device(one.supernet, CPU, "float32", PLAIN)
    with Waiting() as waiting:
        bool(torch.ones(()) > 0)
        search_steps(one)
    assert waiting.found == ["aten._local_scalar_dense.default"]  # the comparison


class Convolutions(TorchDispatchMode):
    """Counts PyTorch's own."""

    count = 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        self.count += str(function).startswith("aten.convolution")
        return function(*arguments, **(named or {}))


def convolutions(one: StageTraining) -> int:
    with Convolutions() as found:
        search_steps(one)
    return found.count


def test_who_computes_is_chosen_for_each_network() -> None:
    ours, plain = search(), search()
    move_to_device(ours.supernet, CPU, "float32", Machine())
    move_to_device(plain.supernet, CPU, "float32", PLAIN)
    once = convolutions(plain)
    assert once > 0
    assert [convolutions(one) for one in (ours, plain, search())] == [0, once, 0]
    with pytest.raises(RuntimeError, match="channels"):
        logits(plain, torch.zeros(1, 4, 8, 8))
    assert convolutions(ours) == 0


def test_the_choice_is_that_of_its_own_thread() -> None:
    ours, plain = search(), search()
    move_to_device(plain.supernet, CPU, "float32", PLAIN)
    found = []

    def pass_through(*_: Any) -> None:
        thread = Thread(target=lambda: found.append(convolutions(ours)))
        thread.start()
        thread.join()

    plain.supernet.cells[0].register_forward_hook(pass_through)
    logits(plain, batch()[0])
    assert found == [0]


@pytest.mark.parametrize(
    ("machine", "precision", "name"),
    [(Machine(), "float32", "pdarts"), (PLAIN, "float32", "torch"), (Machine(), "bfloat16", "torch")],
)
def test_provenance_names_what_computes(machine: Machine, precision: Precision, name: str) -> None:
    one = network()
    move_to_device(one, CPU, precision, machine)
    assert kernels(one, CPU) == name
