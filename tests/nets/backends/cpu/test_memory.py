"""Whatever lies otherwise in memory, or has another type, the kernels read right or leave to PyTorch."""

import copy
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pdarts.nets.backends.cpu import kernels, library
from pdarts.nets.backends.form import Part, form
from pdarts.nets.node import Branch, NodeValue, computed_by, node_sum
from pdarts.nets.operations import (
    BUILDERS,
    BatchNorm,
    ConvLayers,
    ConvUnit,
    ConvUnits,
    Identity,
    Operation,
    PointwiseConv,
    SeparableConv,
)
from pdarts.nets.stems import CifarStem

CHANNELS, SIZE = 4, 6


def every_second(x: Tensor) -> Tensor:
    wide = torch.full((*x.shape, 2), torch.nan, dtype=x.dtype)
    wide[..., 0] = x
    return wide[..., 0]


def offset(x: Tensor) -> Tensor:
    return torch.cat([torch.full((3,), torch.nan, dtype=x.dtype), x.flatten()])[3:].view(x.shape)


def channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def transposed(x: Tensor) -> Tensor:
    return x.mT.contiguous().mT if x.dim() == 4 else x


def images_between_channels(x: Tensor) -> Tensor:
    return x.transpose(0, 1).contiguous().transpose(0, 1) if x.dim() == 4 else x


def expanded(x: Tensor) -> Tensor:
    """One value for all."""
    return x.flatten()[0].expand(x.shape)


LAYOUTS: list[Callable[[Tensor], Tensor]] = [
    every_second,
    offset,
    channels_last,
    transposed,
    images_between_channels,
    expanded,
]


class Given(NamedTuple):
    """What the kernels get."""

    operation: Operation
    x: Tensor
    scale: Tensor | None
    kept: Tensor | None
    gradient: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """All of them by name."""
        others = {"x": self.x, "scale": self.scale, "kept": self.kept, "gradient": self.gradient}
        return {**self.operation.state_dict(), **{name: each for name, each in others.items() if each is not None}}

    def with_other(self, name: str, change: Callable[[Tensor], Tensor]) -> "Given":
        """The same with one tensor changed."""
        if name in self._fields:
            return self._replace(**{name: change(getattr(self, name))})
        operation = copy.deepcopy(self.operation)
        owner, _, own = name.rpartition(".")
        module = operation.get_submodule(owner)
        if own in module._parameters:
            setattr(module, own, nn.Parameter(change(getattr(module, own).detach())))
        else:
            setattr(module, own, change(getattr(module, own)))
        return self._replace(operation=operation)

    def contiguous(self) -> "Given":
        """The same values in float64, as they lie by default."""
        operation = copy.deepcopy(self.operation).double()
        for module in operation.modules():
            for own, tensor in [*module._parameters.items(), *module._buffers.items()]:
                if tensor is not None:
                    plain = tensor.detach().clone(memory_format=torch.contiguous_format)
                    setattr(module, own, nn.Parameter(plain) if own in module._parameters else plain)
        others = (each if each is None else each.double().contiguous() for each in self[1:])
        return Given(operation, *others)


MAKERS: dict[str, Callable[[], Operation]] = {
    **{
        f"{name}, stride {stride}, search": partial(BUILDERS[name], CHANNELS, stride, True)
        for name in ("sep_conv_3x3", "max_pool_3x3", "skip_connect")
        for stride in (1, 2)
    },
    **{
        f"{name}, stride 2": partial(BUILDERS[name], CHANNELS, 2, False)
        for name in ("sep_conv_3x3", "dil_conv_5x5", "avg_pool_3x3", "skip_connect", "conv_7x1_1x7")
    },
    "pointwise": lambda: PointwiseConv(CHANNELS, 3, search=False),
    "stem": lambda: CifarStem(2).layers,
}


def given(name: str, dtype: torch.dtype = torch.float64) -> Given:
    torch.manual_seed(0)
    operation = MAKERS[name]().to(dtype)
    for tensor in operation.state_dict().values():
        tensor.add_(torch.rand_like(tensor), alpha=0.5)
    x = torch.randn(3, 3 if name == "stem" else CHANNELS, SIZE, SIZE, dtype=dtype)
    with torch.no_grad():
        gradient = torch.randn_like(copy.deepcopy(operation)(NodeValue(x)))
    scale = torch.tensor(0.3, dtype=dtype) if "search" in name else None
    return Given(operation, x, scale, torch.tensor([0.0, 2.0, 1.5], dtype=dtype).view(3, 1, 1, 1), gradient)


class Outcome(NamedTuple):
    """Of a forward and a backward pass, and of one without gradients."""

    value: Tensor
    parameters: list[Tensor]
    gradients: list[Tensor | None]
    statistics: list[Tensor]
    without_gradients: Tensor


def outcome(one: Given, training: bool) -> Outcome:
    operation = one.operation.train(training)
    x = one.x.detach().requires_grad_()
    scale = None if one.scale is None else one.scale.detach().requires_grad_()
    value = node_sum([Branch(operation, NodeValue(x), scale, one.kept), Branch(operation, NodeValue(x), scale)]).value
    inputs = [x, *([] if scale is None else [scale]), *operation.parameters()]
    gradients = torch.autograd.grad(value, inputs, one.gradient, allow_unused=True)
    with torch.no_grad():
        evaluated = node_sum([Branch(operation.eval(), NodeValue(one.x), one.scale, one.kept)]).value
    return Outcome(value.detach(), inputs, list(gradients), list(operation.buffers()), evaluated)


def compare(found: Outcome, expected: Outcome, tolerance: float = 1e-10) -> None:
    pairs = [(found.value, expected.value), (found.without_gradients, expected.without_gradients)]
    pairs += [*zip(found.statistics, expected.statistics, strict=True)]
    for gradient, other in zip(found.gradients, expected.gradients, strict=True):
        assert (gradient is None) == (other is None)
        if gradient is not None and other is not None:
            pairs.append((gradient, other))
    for one, other in pairs:
        limit = tolerance * max(1.0, float(other.abs().max()))
        torch.testing.assert_close(one.double(), other, rtol=tolerance, atol=limit)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("name", MAKERS)
def test_each_tensor_is_read_as_it_lies(name: str, layout: Callable[[Tensor], Tensor]) -> None:
    changed = 0
    for tensor in given(name).tensors():
        if layout is expanded and "running" in tensor:
            continue  # nobody can write them
        for training in (True, False):
            one = given(name).with_other(tensor, layout)
            changed += not one.tensors()[tensor].is_contiguous() or one.tensors()[tensor].storage_offset() > 0
            with computed_by("torch"):
                expected = outcome(one.contiguous(), training)
            found = outcome(one, training)
            compare(found, expected)
            for parameter, gradient in zip(found.parameters[1:], found.gradients[1:], strict=True):
                if parameter.is_contiguous(memory_format=torch.channels_last) and gradient is not None:
                    assert gradient.is_contiguous(memory_format=torch.channels_last)
    assert changed > 0


@pytest.mark.parametrize("name", MAKERS)
def test_everything_at_once_may_lie_otherwise(name: str) -> None:
    for layout in (channels_last, offset, every_second):
        one = given(name)
        for tensor in one.tensors():
            one = one.with_other(tensor, layout)
        with computed_by("torch"):
            expected = outcome(one.contiguous(), True)
        compare(outcome(one, True), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("other", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["sep_conv_3x3, stride 2, search", "max_pool_3x3, stride 1, search", "stem"])
def test_other_types_end_as_they_do_in_torch(name: str, dtype: torch.dtype, other: torch.dtype) -> None:
    for tensor in given(name).tensors():
        ends = []
        for chosen in ("torch", "auto"):
            one = given(name, dtype).with_other(tensor, lambda each: each.to(other))
            with computed_by(chosen):  # type: ignore[arg-type]
                try:
                    ends.append(outcome(one, True))
                except RuntimeError as error:
                    ends.append(str(error))
        expected, found = ends
        assert type(found) is type(expected), (tensor, found)
        if isinstance(expected, str):
            assert found == expected
        else:
            assert found.value.dtype == expected.value.dtype
            compare(found, Outcome(*map(doubled, expected)), 1e-5 if other in library.NAMES else 0.05)


def doubled(tensors: Tensor | list[Tensor]) -> Tensor | list[Tensor]:
    if isinstance(tensors, Tensor):
        return tensors.double()
    return [tensor if tensor is None else tensor.double() for tensor in tensors]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
def test_pools_read_features_and_gradients_as_they_lie(
    stride: int, largest: bool, layout: Callable[[Tensor], Tensor]
) -> None:
    torch.manual_seed(0)
    for size in ((6, 6), (5, 9), (1, 1)):
        values = torch.randn(2, 3, *size, dtype=torch.float64)
        for lies in (lambda x: x, layout):
            x = lies(values).detach().requires_grad_()
            plain = x.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
            if largest:
                expected = F.max_pool2d(plain, 3, stride, padding=1)
            else:
                expected = F.avg_pool2d(plain, 3, stride, padding=1, count_include_pad=False)
            gradient = layout(torch.randn_like(expected))
            expected.backward(gradient.contiguous())
            found = kernels.pool(x, largest, 3, stride)
            (found_gradient,) = torch.autograd.grad(found, x, gradient)
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(found_gradient, plain.grad, rtol=1e-12, atol=1e-12)


def test_the_kernels_compute_what_lies_otherwise_themselves() -> None:
    for name in ("sep_conv_3x3, stride 2, search", "stem", "pointwise"):
        for tensor in given(name).tensors():
            one = given(name).with_other(tensor, channels_last).with_other(tensor, every_second)
            known = form(one.operation, NodeValue(one.x))
            assert known is not None
            taken = kernels.shape(Part(*known, one.scale, one.kept)) is not None
            assert taken == ("running" not in tensor)


class Cube(Operation):
    """An operation of a user, of any type and shape."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.change = change

    def forward(self, state: NodeValue, scale: Tensor | None = None) -> Tensor:
        """The cube, scaled before it is changed."""
        value = state.value**3
        return self.change(value if scale is None else value * scale)


class Doubled(SeparableConv):
    """One with a `forward` of its own, of a class that the kernels know."""

    def forward(self, state: NodeValue, scale: Tensor | None = None) -> Tensor:
        """Twice what it was."""
        return 2 * super().forward(state, scale)


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "same": lambda x: x,
    "strided": lambda x: x.mT.contiguous().mT,
    "other type": lambda x: x.float(),
    "bfloat16": lambda x: x.bfloat16(),
    "one channel": lambda x: x[:, :1],
    "one value": lambda x: x.sum(),
    "other size": lambda x: x[..., ::2],
    "larger": lambda x: F.pad(x, (1, 1)),
    "complex": lambda x: x.to(torch.complex128),
    "nothing": lambda x: x[:0],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("first", [True, False])
def test_operations_of_others_take_part_as_in_torch(change: str, first: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, CHANNELS, SIZE, SIZE, dtype=torch.float64)
    scale = torch.tensor(0.3, dtype=torch.float64)
    kept = torch.tensor([0.0, 2.0, 1.5], dtype=torch.float64).view(3, 1, 1, 1)
    ends = []
    for chosen in ("torch", "auto"):
        torch.manual_seed(1)
        operations = [Cube(CHANGES[change]), Doubled(3, CHANNELS, 1, True).double(), Identity()]
        branches = [Branch(operation, NodeValue(x), scale, kept) for operation in operations]
        with computed_by(chosen):  # type: ignore[arg-type]
            try:
                ends.append(node_sum(branches if first else branches[::-1]).value)
            except RuntimeError as error:
                ends.append(str(error))
    expected, found = ends
    if isinstance(expected, str):
        assert found == expected
    else:
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


LAYERS: dict[str, Callable[[], list[nn.Module]]] = {
    "a bias": lambda: [nn.Conv2d(CHANNELS, 3, 3, padding=1), BatchNorm(3, True)],
    "no padding": lambda: [nn.Conv2d(CHANNELS, 3, 3, bias=False), BatchNorm(3, True)],
    "groups": lambda: [nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=2, bias=False), BatchNorm(CHANNELS, True)],
    "reflections": lambda: [
        nn.Conv2d(CHANNELS, 3, 3, padding=1, padding_mode="reflect", bias=False),
        BatchNorm(3, True),
    ],
    "dilation": lambda: [nn.Conv2d(CHANNELS, 3, 3, padding=2, dilation=2, bias=False), BatchNorm(3, True)],
    "a stride of 3": lambda: [nn.Conv2d(CHANNELS, 3, 3, 3, padding=1, bias=False), BatchNorm(3, True)],
    "an even size": lambda: [nn.Conv2d(CHANNELS, 3, 4, padding=1, bias=False), BatchNorm(3, True)],
    "a large size": lambda: [nn.Conv2d(CHANNELS, 3, 11, padding=5, bias=False), BatchNorm(3, True)],
    "a size of 1": lambda: [nn.Conv2d(CHANNELS, 2, 1, stride=2, bias=False), BatchNorm(2, True)],
    "an oblong": lambda: [nn.Conv2d(CHANNELS, 3, (3, 1), padding=(1, 0), bias=False), BatchNorm(3, True)],
    "ReLU behind": lambda: [nn.Conv2d(CHANNELS, 3, 3, padding=1, bias=False), BatchNorm(3, True), nn.ReLU()],
    "two ReLUs": lambda: [nn.ReLU(), nn.ReLU(), nn.Conv2d(CHANNELS, 3, 3, padding=1, bias=False), BatchNorm(3, True)],
    "no BatchNorm": lambda: [nn.Conv2d(CHANNELS, 3, 3, padding=1, bias=False)],
    "another normalization": lambda: [nn.Conv2d(CHANNELS, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)],
    "something else": lambda: [nn.Sigmoid()],
}


@pytest.mark.parametrize("layers", LAYERS)
def test_layers_that_the_form_cannot_say_are_computed_as_they_are(layers: str) -> None:
    torch.manual_seed(0)
    found = agreeing(ConvLayers(*LAYERS[layers]()), torch.randn(3, CHANNELS, 9, 9))
    assert found == (layers in ("dilation", "two ReLUs"))


def agreeing(operation: Operation, x: Tensor) -> bool:
    """Whether kernels computed an operation; fails where it is not what PyTorch computes."""
    found = []
    for chosen in ("torch", "auto"):
        again, seen = copy.deepcopy(operation).double(), x.double().requires_grad_()
        with computed_by(chosen):  # type: ignore[arg-type]
            value = node_sum([Branch(again, NodeValue(seen))]).value
        value.square().sum().backward()
        found.append([value, *(tensor.grad for tensor in (seen, *again.parameters())), *again.buffers()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    known = form(operation.double(), NodeValue(x.double()))
    return known is not None and kernels.shape(Part(*known, None, None)) is not None


class Windows(ConvUnits):
    """One unit of any size, which inherits its `forward`."""

    def __init__(self, size: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.unit = ConvUnit(CHANNELS, 3, False, size, stride, dilation)


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 9, 11])
def test_windows_of_all_sizes_are_computed(size: int, stride: int, dilation: int) -> None:
    torch.manual_seed(0)
    found = agreeing(Windows(size, stride, dilation), torch.randn(3, CHANNELS, 10, 12))
    assert found == (size in (1, 3, 7) and stride < 3)


@pytest.mark.parametrize(
    ("operation", "shape"),
    [
        ("sep_conv_3x3", (3, CHANNELS + 1, 6, 6)),
        ("skip_connect", (3, CHANNELS + 1, 6, 6)),
        ("max_pool_3x3", (3, CHANNELS + 1, 6, 6)),
        ("sep_conv_3x3", (1, CHANNELS, 1, 1)),
    ],
)
def test_shapes_that_torch_refuses_are_refused(operation: str, shape: tuple[int, ...]) -> None:
    module, errors = BUILDERS[operation](CHANNELS, 2, True), []
    for chosen in ("torch", "auto"):
        with computed_by(chosen), pytest.raises((RuntimeError, ValueError)) as caught:  # type: ignore[arg-type]
            node_sum([Branch(module, NodeValue(torch.zeros(shape)), torch.tensor(0.3))])
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


def test_each_batch_norm_has_a_mode_of_its_own() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, CHANNELS, SIZE, SIZE, dtype=torch.float64)
    found = []
    for chosen in ("torch", "auto"):
        torch.manual_seed(1)
        one = SeparableConv(3, CHANNELS, 1, True).double()
        one.first.norm.eval()
        with computed_by(chosen):  # type: ignore[arg-type]
            value = node_sum([Branch(Identity().eval(), NodeValue(x)), Branch(one, NodeValue(x))]).value
        value.square().sum().backward()
        found.append([value, *(weight.grad for weight in one.parameters()), *one.buffers()])
    for plain, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-10)
    assert not one.first.norm.running_mean.any()
    assert one.second.norm.running_mean.all()
