"""Operations of users, and layers and shapes that the kernels do not know, give what PyTorch gives."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pdarts.nets.backends.cpu import kernels
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
    SeparableConv,
)

CHANNELS, SIZE = 4, 6


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
