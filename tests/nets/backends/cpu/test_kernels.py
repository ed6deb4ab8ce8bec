"""The kernels for CPUs compute what PyTorch's own operations and the textbook formulation do."""

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.baseline.network import Network as BaselineNetwork
from benchmarks.baseline.supernet import Supernet as BaselineSupernet
from pdarts.nets.backends.cpu import kernels, library
from pdarts.nets.drop_path import dropped
from pdarts.nets.network import Network
from pdarts.nets.node import Branch, NodeValue, computed_by, node_sum
from pdarts.nets.operations import BUILDERS, DilatedConv
from pdarts.nets.reference import network_state, supernet_state
from pdarts.nets.stems import STEMS
from pdarts.settings.machine import Kernels
from pdarts.space.candidates import Candidates, all_candidates
from pdarts.space.operations import CANDIDATES
from pdarts.space.topology import KINDS
from pdarts.tools.cost.timing import mixed_candidates
from tests.genotypes import published
from tests.searching import logits as searched
from tests.searching import scalar, training_of

WAYS: tuple[Kernels, ...] = ("torch", "auto")


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_they_are_compiled_where_the_tests_run() -> None:
    assert kernels.suits(torch.zeros(1, 1, 1, 1))
    assert not kernels.suits(torch.zeros(1, 1, 1, 1, dtype=torch.bfloat16))
    assert not kernels.suits(torch.zeros(1, 1, 1, 1, device="meta"))
    assert not kernels.suits(torch.zeros(0, 1, 1, 1))
    assert not kernels.suits(torch.zeros(1, 1, 1))


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10 * float(expected.detach().abs().max()))


def outcome(
    module: nn.Module, state: Mapping[str, Tensor], x: Tensor, scale: Tensor | None, training: bool
) -> list[Tensor]:
    """Output, gradients and running statistics."""
    module.load_state_dict(state)
    module.train(training).zero_grad()
    x = x.clone().requires_grad_()
    scale = None if scale is None else scale.clone().requires_grad_()
    y = node_sum([Branch(module, NodeValue(x), scale)]).value
    y.backward(torch.linspace(-1, 2, y.numel(), dtype=y.dtype).cos().view_as(y))
    gradients = [x.grad, *([] if scale is None else [scale.grad]), *(weight.grad for weight in module.parameters())]
    return [y.detach(), *gradients, *(buffer.clone() for buffer in module.buffers())]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("search", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", BUILDERS)
def test_operations_agree_on_even_and_odd_sizes(name: str, stride: int, search: bool, training: bool) -> None:
    torch.manual_seed(0)
    module = BUILDERS[name](6, stride, search).double()
    state = {key: value + 0.1 * torch.rand_like(value) for key, value in module.state_dict().items()}
    scale = torch.tensor(0.3, dtype=torch.float64) if search else None
    halved = name == "skip_connect" and stride == 2
    for height, width in ((2, 4), (8, 14)) if halved else ((1, 2), (7, 8), (9, 17)):
        x = torch.randn(3, 6, height, width, dtype=torch.float64).round(decimals=1)  # some values are equal
        expected = []
        for chosen in WAYS:
            with computed_by(chosen):
                found = outcome(module, state, x, scale, training)
            expected = expected or found
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            close(one, other)


def test_parts_of_the_channels_are_read_where_they_lie() -> None:
    torch.manual_seed(0)
    operation = DilatedConv(3, 4, 1, True).double()
    whole = torch.randn(2, 8, 6, 6, dtype=torch.float64)
    for part in (whole[:, 2:6], whole.mT[:, 2:6]):
        close(*(node_sum([Branch(operation, NodeValue(x))]).value for x in (part, part.clone())))


@pytest.mark.parametrize("chosen", WAYS)
def test_dropout_keeps_the_mean_and_its_gradient_has_the_same_mask(chosen: Kernels) -> None:
    torch.manual_seed(0)
    x = torch.ones(500, 1, 400, 1, requires_grad=True)
    with computed_by(chosen):
        y = dropped(x, scalar(0.3))
        y.sum().backward()
        assert torch.equal(x.grad, y)
        zeros = (y == 0).double().squeeze()
        assert zeros.mean().item() == pytest.approx(0.3, abs=0.005)
        for axis, length in ((0, 500), (1, 400)):  # as spread as independent draws are
            assert zeros.mean(axis).std().item() == pytest.approx((0.3 * 0.7 / length) ** 0.5, rel=0.15)
        assert not torch.equal(dropped(x, scalar(0.3)), y)
        torch.manual_seed(0)
        torch.set_num_threads(1)
        assert torch.equal(dropped(x, scalar(0.3)), y)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3, 0.7, 1 - 2**-20])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dropout_is_the_same_to_the_last_bit_whoever_computes_it(dtype: torch.dtype, rate: float) -> None:
    torch.manual_seed(0)
    for seed in (*torch.randint(2**62, (3,)), torch.tensor(0), torch.tensor(2**62 - 1)):
        values = torch.randn(3, 5, 7, 11, dtype=dtype)
        for x in (values, values.mT, values.to(memory_format=torch.channels_last), values[:, 1:, ::2, 3:]):
            found = []
            for chosen in WAYS:
                again = x.detach().requires_grad_()
                with computed_by(chosen):
                    y = dropped(again, scalar(rate), seed)
                y.backward(x.cos())
                found.append((y, again.grad))
            for one, other in zip(*found, strict=True):
                assert torch.equal(one, other)
            if rate:
                torch.testing.assert_close(found[0][0], torch.where(found[0][0] == 0, 0, x / (1 - rate)))


def test_dropout_draws_once_from_the_generator_whoever_computes_it() -> None:
    x, left = torch.ones(2, 3, 8, 8), []
    for chosen in WAYS:
        torch.manual_seed(0)
        with computed_by(chosen):
            y = dropped(x, scalar(0.7))
        left.append((y, torch.get_rng_state()))
    torch.manual_seed(0)
    seed = torch.randint(2**62, ())
    for y, state in left:
        assert torch.equal(y, dropped(x, scalar(0.7), seed))
        assert torch.equal(state, torch.get_rng_state())


def passed(
    network: nn.Module, forward: Callable[[Tensor], Any], images: Tensor
) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor], Tensor]:
    """Logits in training, gradients, state behind it, logits in evaluation."""
    network.train()
    logits = forward(images)
    node_sum = sum(
        F.cross_entropy(part, torch.arange(len(images)))
        for part in (logits if isinstance(logits, tuple) else [logits])
        if part is not None
    )
    network.zero_grad()
    node_sum.backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():
        network.eval()
        evaluated = forward(images)
    first = logits[0] if isinstance(logits, tuple) else logits
    return first.detach(), gradients, state, evaluated[0] if isinstance(evaluated, tuple) else evaluated


SETS = {
    "all": all_candidates(CANDIDATES),
    "mixed": dict.fromkeys(KINDS, mixed_candidates(CANDIDATES, 3)),
}


@pytest.mark.parametrize(("candidates", "share"), [("all", 1), ("mixed", 1), ("all", 2)])
def test_supernets_agree_with_the_baseline(candidates: str, share: int) -> None:
    torch.manual_seed(0)
    considered: Mapping[str, Candidates] = SETS[candidates]
    theirs = BaselineSupernet(3, 4, 10, considered, share).double()
    method = {"method": "pc_darts", "partial_channels": share} if share > 1 else {}
    training = training_of(considered, cells=3, channels=4, **method)
    ours = training.supernet.double()
    state = {name: value.clone() for name, value in theirs.state_dict().items()}
    translated = partial(supernet_state, candidates=considered, supernet=ours)
    compare(theirs, ours, partial(searched, training), translated, state)


def test_networks_agree_with_the_baseline() -> None:
    torch.manual_seed(0)
    arguments = (published("PDARTS"), "cifar", 4, 4, 10, True)
    theirs, ours = BaselineNetwork(*arguments).double(), Network(*arguments).double()
    state = {name: value.clone() for name, value in theirs.state_dict().items()}
    compare(theirs, ours, ours, lambda tensors: network_state(tensors, arguments[0]), state)


def compare(theirs: nn.Module, ours: nn.Module, forward, translate, state: dict[str, Tensor]) -> None:
    ours.load_state_dict(translate(state))
    images = torch.randn(3, 3, 32, 32, dtype=torch.float64)
    logits, gradients, after, evaluated = passed(theirs, theirs, images)
    our_logits, our_gradients, our_after, our_evaluated = passed(ours, forward, images)
    close(our_logits, logits)
    close(our_evaluated, evaluated)
    translated = translate({name: gradients.get(name, tensor) for name, tensor in after.items()})
    assert set(our_gradients) <= set(translated)
    for name, gradient in our_gradients.items():
        close(gradient, translated[name])
    for name, tensor in translate(after).items():
        close(our_after[name], tensor)


def test_without_a_compiler_torch_computes(monkeypatch: pytest.MonkeyPatch, capfd, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", str(tmp_path / "none"))
    library.loaded.cache_clear()
    try:
        assert not kernels.suits(torch.zeros(1, 1, 1, 1))
        assert "no C++ kernels" in capfd.readouterr().err
        branch = Branch(DilatedConv(3, 2, 1, True), NodeValue(torch.randn(2, 2, 4, 4)))
        assert node_sum([branch]).value.shape == (2, 2, 4, 4)
    finally:
        library.loaded.cache_clear()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [(9, 14), (33, 50), (64, 224)])
@pytest.mark.parametrize("stem", STEMS)
def test_stems_agree(stem: str, size: tuple[int, int], training: bool) -> None:
    torch.manual_seed(0)
    module = STEMS[stem](6).double().train(training)
    for name, tensor in module.state_dict().items():
        tensor.add_(torch.rand_like(tensor), alpha=0.0 if name.endswith("mean") else 0.3)
    images = torch.randn(3, 3, *size, dtype=torch.float64)
    found = []
    for chosen in WAYS:
        with computed_by(chosen):
            again, seen = copy.deepcopy(module), images.clone().requires_grad_()
            values = [state.value for state in again(seen)]
            torch.stack([value.sin().sum() for value in values]).sum().backward()
            with torch.no_grad():
                tested = [state.value for state in again.eval()(images)]
            gradients = [tensor.grad for tensor in (seen, *again.parameters())]
            found.append([*values, *gradients, *again.buffers(), *tested])
    for value, expected in zip(*reversed(found), strict=True):
        close(value, expected)
