"""Triton's kernels compute in its interpreter what PyTorch's own operations compute in float64."""

import copy
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pdarts.nets.backends.form import Part, form
from pdarts.nets.backends.triton import kernels
from pdarts.nets.drop_path import dropped
from pdarts.nets.network import Network
from pdarts.nets.node import Branch, NodeValue, backend, computed_by, node_sum
from pdarts.nets.operations import BUILDERS, ConvLayers, DilatedConv, Identity, PointwiseConv, Pool, SeparableConv
from pdarts.nets.supernet import Supernet
from pdarts.space.genotype import Genotype
from pdarts.space.topology import EDGES, KINDS
from tests.nets.backends.triton.interpreter import interpreted
from tests.searching import scalar

pytestmark = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")


@pytest.fixture(scope="module", autouse=True)
def _interpreted() -> Iterator[None]:
    with interpreted():
        yield


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def maps(*shape: int) -> Tensor:
    """Feature maps with channels last, some of whose values are equal."""
    return torch.randn(shape).round(decimals=1).to(memory_format=torch.channels_last)


def disturbed(module: nn.Module) -> nn.Module:
    """A module whose state is nothing special."""
    for tensor in module.state_dict().values():
        tensor.add_(0.2 * torch.rand_like(tensor))
    return module


TOLERANCE = 5e-5
"""Largest relative error of a tensor; PyTorch's own float32 comes to 3e-5 on these forms, and the kernels to 1e-5."""

Sum = Callable[[Any, Sequence[Tensor], Sequence[Tensor]], Tensor]
"""Computes from a module, feature maps and scalars."""


def outcome(
    compute: Sum, module: nn.Module, inputs: Sequence[Tensor], scalars: Sequence[Tensor] = ()
) -> dict[str, Tensor]:
    """Output, gradients and running statistics, by whatever computes."""
    module = copy.deepcopy(module)
    inputs = [each.detach().clone().requires_grad_() for each in inputs]
    scalars = [each.clone().requires_grad_() for each in scalars]
    y = compute(module, inputs, scalars)
    y.backward(torch.linspace(-1, 2, y.numel(), dtype=torch.float64).cos().view(y.shape).to(y.dtype))
    gradients = {f"gradient {number}": each.grad for number, each in enumerate([*inputs, *scalars])}
    parameters = {name: each.grad for name, each in module.named_parameters() if each.grad is not None}
    return {"output": y.detach(), **gradients, **parameters, **dict(module.named_buffers())}


def agree(
    compute: Sum,
    module: nn.Module,
    inputs: Sequence[Tensor],
    scalars: Sequence[Tensor] = (),
    tolerance: float = TOLERANCE,
) -> None:
    """Compare with PyTorch in float64."""
    assert backend(inputs[0]) is kernels
    found = outcome(compute, module, inputs, scalars)
    with computed_by("torch"):
        doubles = [each.double() for each in inputs], [each.double() for each in scalars]
        expected = outcome(compute, copy.deepcopy(module).double(), *doubles)
    for name, error in errors(found, expected).items():
        assert error < tolerance, (name, error)


def errors(found: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, float]:
    """Relative errors; tensors near 0 count little."""
    assert found.keys() == expected.keys()
    return {
        name: float((found[name].double() - value).norm() / (value.norm() + 1e-3 * value.numel() ** 0.5))
        for name, value in expected.items()
    }


def edge(module: Any, inputs: Sequence[Tensor], scalars: Sequence[Tensor]) -> Tensor:
    """One branch."""
    return node_sum([Branch(module, NodeValue(inputs[0]), scalars[0] if scalars else None)]).value


SCALE = torch.tensor(0.3)

FORMS = {
    "sep 3x3, search": (partial(SeparableConv, 3, 16, 1, True), (2, 16, 8, 8), True),
    "sep 3x3, stride 2": (partial(SeparableConv, 3, 12, 2, False), (3, 12, 8, 8), False),
    "sep 5x5, partial channels": (partial(SeparableConv, 5, 4, 2, True), (2, 4, 8, 8), True),
    "sep 7x7, stride 2": (partial(SeparableConv, 7, 4, 2, False), (2, 4, 8, 8), False),
    "dil 3x3, 36 channels": (partial(DilatedConv, 3, 36, 2, False), (3, 36, 8, 8), False),
    "dil 5x5": (partial(DilatedConv, 5, 16, 1, True), (2, 16, 8, 8), True),
    "dil 3x3, odd size": (partial(DilatedConv, 3, 8, 2, True), (2, 8, 7, 9), True),
    "preprocessing": (partial(PointwiseConv, 72, 36, False), (3, 72, 8, 8), False),
    "max pooling, search": (partial(Pool, "max", 16, 1, True), (3, 16, 8, 8), True),
    "mean pooling, search, stride 2": (partial(Pool, "avg", 36, 2, True), (3, 36, 8, 8), True),
    "max pooling, stride 2": (partial(Pool, "max", 12, 2, False), (2, 12, 8, 8), False),
    "mean pooling": (partial(Pool, "avg", 12, 1, False), (2, 12, 7, 8), False),
    "skip": (Identity, (2, 16, 8, 8), True),
}


WIDTHS = [(4, True), (8, True), (16, True), (32, True), (64, True), (36, False), (72, False), (144, False), (48, False)]
WIDTHS += [(96, False), (192, False), (384, False)]
"""Channels of searches, and of networks for CIFAR and ImageNet."""


@pytest.mark.parametrize("name", FORMS)
def test_each_form_agrees_in_training(name: str) -> None:
    build, shape, scaled = FORMS[name]
    agree(edge, disturbed(build()), [maps(*shape)], [SCALE] if scaled else [])


@pytest.mark.kernels
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("channels", "search"), WIDTHS)
@pytest.mark.parametrize("name", BUILDERS)
def test_all_operations_agree_in_all_widths(
    name: str, channels: int, search: bool, training: bool, stride: int
) -> None:
    module = disturbed(BUILDERS[name](channels, stride, search).train(training))
    agree(edge, module, [maps(3, channels, 8, 8)], [SCALE] if search else [], tolerance=1e-4)


@pytest.mark.parametrize("name", ["sep 3x3, search", "dil 3x3, 36 channels", "max pooling, search"])
def test_each_form_agrees_in_evaluation(name: str) -> None:
    build, shape, scaled = FORMS[name]
    agree(edge, disturbed(build().eval()), [maps(*shape)], [SCALE] if scaled else [])


@pytest.mark.parametrize("name", ["dil 5x5", "mean pooling, search, stride 2"])
def test_bfloat16_is_as_exact_as_pytorchs(name: str) -> None:
    build, shape, _ = FORMS[name]
    module, x = disturbed(build()), maps(*shape).bfloat16()
    found = outcome(edge, module, [x], [SCALE])
    with computed_by("torch"):
        expected = outcome(edge, copy.deepcopy(module).double(), [x.double()], [SCALE.double()])
        with torch.autocast("cpu", torch.bfloat16):
            torchs = outcome(edge, module, [x], [SCALE])
    own, other = (sum(errors(each, expected).values()) for each in (found, torchs))
    assert own < 2 * other


class Mixture(nn.ModuleList):
    """Operations of a node with two inputs."""


def mixture(module: Any, inputs: Sequence[Tensor], scalars: Sequence[Tensor]) -> Tensor:
    """A node with two inputs, of which each operation but the last reads the first."""
    first, second = map(NodeValue, inputs)
    scales = [*scalars, *[None] * (len(module) - len(scalars))]
    sources = [*[first] * (len(module) - 1), second]
    return node_sum(map(Branch, module, sources, scales)).value


def test_parts_that_share_an_input_add_up_its_gradient() -> None:
    module = Mixture([DilatedConv(3, 8, 1, True), Pool("max", 8, 1, True), Identity(), DilatedConv(3, 8, 1, True)])
    agree(mixture, disturbed(module), [maps(2, 8, 8, 8), maps(2, 8, 8, 8)], [SCALE, -SCALE, 2 * SCALE, SCALE])


def test_equal_operations_of_one_input_add_up() -> None:
    module = Mixture([DilatedConv(3, 4, 1, True), DilatedConv(3, 4, 1, True), Identity(), Identity()])
    agree(mixture, disturbed(module), [maps(2, 4, 4, 4), maps(2, 4, 4, 4)], [SCALE, SCALE, SCALE])


def test_more_parts_than_a_launch_takes() -> None:
    module = Mixture([Identity() for _ in range(20)])
    agree(mixture, module, [maps(2, 4, 4, 4), maps(2, 4, 4, 4)], [number * SCALE for number in range(18)])


def dropping(module: Any, inputs: Sequence[Tensor], _: Sequence[Tensor]) -> Tensor:
    """A node of a network, whose drop path spares the skip connection."""
    factors = torch.tensor([0.0, 2.0, 1.5]).view(3, 1, 1, 1).to(torch.promote_types(inputs[0].dtype, torch.float32))
    convolution, skip = module
    branches = Branch(convolution, NodeValue(inputs[0]), kept=factors), Branch(skip, NodeValue(inputs[1]))
    return node_sum(branches).value


def test_drop_path_spares_some_parts() -> None:
    agree(
        dropping, disturbed(Mixture([DilatedConv(3, 12, 1, False), Identity()])), [maps(3, 12, 8, 8), maps(3, 12, 8, 8)]
    )


def test_the_variance_of_values_far_from_0_is_exact() -> None:
    pooling, x = Pool("max", 8, 1, True), maps(3, 8, 8, 8) + 1000
    expected = outcome(edge, copy.deepcopy(pooling).double(), [x.double()], [SCALE.double()])
    for name, value in outcome(edge, pooling, [x], [SCALE]).items():
        if name in ("output", "norm.running_var"):
            torch.testing.assert_close(value.double(), expected[name], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:, 4:8],
        lambda x: x.contiguous()[:, 4:8],
        lambda x: x.mT[:, :4],
        lambda x: x[:, 2:6, ::2],
        lambda x: x[:, :4].mean((2, 3), keepdim=True).expand(-1, -1, 4, 4),
    ],
)
def test_layouts_do_not_matter(view: Callable[[Tensor], Tensor]) -> None:
    def compute(module: Any, inputs: Sequence[Tensor], _: Sequence[Tensor]) -> Tensor:
        value = node_sum([Branch(module, NodeValue(view(inputs[0])))]).value
        return view(torch.cat([value] * 4, 1)).sin()

    agree(compute, disturbed(DilatedConv(3, 4, 1, False)), [maps(2, 16, 8, 8)])


def test_gradients_that_nobody_needs_are_not_computed() -> None:
    module, x, scale = DilatedConv(3, 4, 1, True), maps(2, 4, 4, 4).requires_grad_(), SCALE.clone().requires_grad_()
    y = node_sum([Branch(module, NodeValue(x), scale)]).value.square().sum()
    (alone,) = torch.autograd.grad(y, [scale], retain_graph=True)
    of_all = torch.autograd.grad(y, [scale, x, *module.parameters()])
    assert torch.equal(alone, of_all[0])
    module.requires_grad_(False)
    again = node_sum([Branch(module, NodeValue(x.detach()), scale)]).value.square().sum()
    assert torch.equal(torch.autograd.grad(again, [scale])[0], alone)


def test_gradients_lie_like_their_parameters() -> None:
    module = SeparableConv(3, 4, 1, False).to(memory_format=torch.channels_last)
    node_sum([Branch(module, NodeValue(maps(2, 4, 4, 4)))]).value.sum().backward()
    for parameter in module.parameters():
        assert parameter.grad.stride() == parameter.stride()


def test_results_repeat_to_the_last_bit() -> None:
    module, x = disturbed(SeparableConv(3, 4, 1, True)), maps(3, 4, 8, 8)
    one, other = (outcome(edge, module, [x], [SCALE]) for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("rate", [0.0, 0.3, 1 - 2**-20])
def test_dropout_is_the_same_to_the_last_bit_whoever_computes_it(rate: float) -> None:
    values = torch.randn(3, 5, 7, 11)
    for seed in (torch.randint(2**62, ()), torch.tensor(0), torch.tensor(2**62 - 1)):
        for x in (values, values.mT, values.to(memory_format=torch.channels_last)):
            for one, other in zip(*(dropout(x, rate, seed, chosen) for chosen in ("auto", "torch")), strict=True):
                assert torch.equal(one, other)


def test_dropout_of_bfloat16_keeps_the_same_values() -> None:
    one, other = (
        dropout(torch.randn(3, 5, 7, 11).bfloat16(), 0.3, torch.tensor(5), way)[0] for way in ("auto", "torch")
    )
    assert torch.equal(one == 0, other == 0)  # and no more: the interpreter does not round as GPUs do


def dropout(x: Tensor, rate: float, seed: Tensor, chosen: Any) -> tuple[Tensor, Tensor]:
    """Output and gradient."""
    x = x.detach().requires_grad_()
    with computed_by(chosen):
        y = dropped(x, scalar(rate), seed)
    y.backward(x.cos())
    return y.detach(), x.grad


def few(number: int) -> tuple[str, ...]:
    return ("dil_conv_3x3", "max_pool_3x3") if number in (0, 9) else ("none", "skip_connect")


def test_a_supernet_agrees() -> None:
    candidates = dict.fromkeys(KINDS, tuple(few(number) for number in range(len(EDGES))))
    supernet = disturbed(Supernet(1, 4, 3, candidates))

    def compute(module: Any, inputs: Sequence[Tensor], _: Sequence[Tensor]) -> Tensor:
        weights = {kind: alphas.softmax(-1) for kind, alphas in module.architecture_parameters["alpha"].items()}
        return module(inputs[0], weights, scalar(0.0))

    agree(compute, supernet, [maps(2, 3, 8, 8)], tolerance=1e-4)


def test_a_network_agrees() -> None:
    cell = [["dil_conv_3x3", 0], ["skip_connect", 1], ["avg_pool_3x3", 0], ["skip_connect", 2]]
    pairs = {"normal": cell, "normal_concat": [2, 3], "reduce": cell, "reduce_concat": [2, 3]}
    network = disturbed(Network(Genotype.parse(pairs, "test"), "cifar", 1, 4, 3, False))

    def compute(module: Any, inputs: Sequence[Tensor], _: Sequence[Tensor]) -> Tensor:
        torch.manual_seed(1)
        return module(inputs[0], drop_path=scalar(0.4))[0]

    agree(compute, network, [maps(3, 3, 8, 8)], tolerance=1e-4)


def test_what_it_does_not_know_goes_to_pytorch() -> None:
    x = maps(2, 8, 8, 8)
    assert not kernels.suits(x.double())
    assert not kernels.suits(x[:0])
    assert not kernels.suits(x[0])
    dense = ConvLayers(nn.Conv2d(8, 8, 3, padding=1, bias=False), SeparableConv(3, 8, 1, True).first.norm)
    for operation in (BUILDERS["skip_connect"](8, 2, False), dense):
        assert kernels.shape(Part(*form(operation, NodeValue(x)), None, None)) is None
    nine = Part(*form(SeparableConv(9, 8, 1, True), NodeValue(x)), None, None)
    assert kernels.shape(nine) is None
    agree(
        mixture, disturbed(Mixture([BUILDERS["conv_7x1_1x7"](4, 1, True), Identity()])), [maps(2, 4, 8, 8)] * 2, [SCALE]
    )


def test_without_interpreter_or_gpu_it_does_not_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET")
    assert not kernels.suits(maps(2, 4, 4, 4))
