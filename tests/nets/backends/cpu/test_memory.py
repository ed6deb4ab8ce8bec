"""Tensors of any layout in memory and of any type: the kernels compute what PyTorch does."""

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
    Operation,
    PointwiseConv,
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
