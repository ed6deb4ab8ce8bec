"""Nodes of a cell: their values, and the sums that make them, computed by a backend or by PyTorch."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import reduce
from operator import add
from typing import Any, NamedTuple

from torch import Tensor
from torch.nn import functional as F

from pdarts.nets.backends.cpu import kernels as cpu
from pdarts.nets.backends.form import Backend, Part, form
from pdarts.nets.backends.triton import kernels as triton
from pdarts.nets.operations import EPSILON, MOMENTUM, PoolKind, precise, times
from pdarts.settings.machine import Kernels

BACKENDS: tuple[Backend, ...] = (triton, cpu)
_ALLOWED: ContextVar[tuple[Backend, ...]] = ContextVar("allowed", default=BACKENDS)


@contextmanager
def computed_by(kernels: Kernels) -> Iterator[None]:
    """Let backends compute where they can (`auto`), or PyTorch everywhere (`torch`), in this thread alone."""
    before = _ALLOWED.set(BACKENDS if kernels == "auto" else ())
    try:
        yield
    finally:
        _ALLOWED.reset(before)


def backend(x: Tensor) -> Backend | None:
    """Find the backend for feature maps like `x`, shape (N, C, H, W); None if PyTorch's own operations compute them."""
    return next((each for each in _ALLOWED.get() if each.suits(x)), None)


class NodeValue:
    """The value of a node, shape (N, C, H, W), and the work that edges leaving the node share.

    Every edge that leaves a node has the same stride, rectifies the same value and pools it alike, so each of these
    is computed once, when the first operation asks for it.
    """

    def __init__(self, value: Tensor) -> None:
        self.value = value
        self._rectified: Tensor | None = None
        self._parts: dict[int, tuple[NodeValue, Tensor]] = {}
        self._pooled: dict[PoolKind, Tensor] = {}
        self._normalized: dict[PoolKind, tuple[Tensor, Tensor, Tensor]] = {}

    @property
    def rectified(self) -> Tensor:
        """Compute ReLU of the value."""
        if self._rectified is None:
            self._rectified = F.relu(self.value)
        return self._rectified

    def split(self, divisor: int, stride: int) -> "tuple[NodeValue, Tensor]":
        """Split off the first 1/`divisor` of the channels; the rest is 2x2 max pooled where edges stride."""
        if divisor not in self._parts:
            channels = self.value.shape[1] // divisor
            rest = self.value[:, channels:]
            if stride == 2:
                rest = F.max_pool2d(rest, 2)
            self._parts[divisor] = NodeValue(self.value[:, :channels]), rest
        return self._parts[divisor]

    def pooled(self, kind: PoolKind, stride: int) -> Tensor:
        """Pool the value over 3x3 windows."""
        if kind not in self._pooled:
            computing = backend(self.value)
            if computing is not None:
                self._pooled[kind] = computing.pool(self.value, kind == "max", 3, stride)
            elif kind == "max":
                self._pooled[kind] = F.max_pool2d(self.value, 3, stride, padding=1)
            else:
                self._pooled[kind] = F.avg_pool2d(self.value, 3, stride, padding=1, count_include_pad=False)
        return self._pooled[kind]

    def normalized(self, kind: PoolKind, stride: int) -> tuple[Tensor, Tensor, Tensor]:
        """Pool over 3x3 windows and normalize by the batch; also return its mean and unbiased variance, shape (C,)."""
        if kind not in self._normalized:
            pooled = self.pooled(kind, stride)
            mean, variance = pooled.new_zeros(2, pooled.shape[1], dtype=precise(pooled))
            # Momentum 1 makes the running statistics those of this batch.
            normalized = F.batch_norm(pooled, mean, variance, training=True, momentum=1.0, eps=EPSILON)
            self._normalized[kind] = normalized, mean, variance
        return self._normalized[kind]


class Branch(NamedTuple):
    """One of the terms that a node sums."""

    operation: Any
    """An `Operation`; containers of modules lose this type."""
    source: NodeValue
    """The node that it leaves."""
    scale: Tensor | None = None
    """Its architecture weight, a scalar; then its BatchNorm is not affine."""
    kept: Tensor | None = None
    """Factor of drop path for each image, shape (N, 1, 1, 1), float32, or float64 like the feature maps."""

    def value(self) -> Tensor:
        """Compute the branch, shape (N, channels, H / stride, W / stride)."""
        value: Tensor = self.operation(self.source, self.scale)
        return value if self.kept is None else times(value, self.kept)

    def part(self, computing: Backend) -> tuple[Part, tuple[int, ...] | None]:
        """Describe the branch for a backend, with its shape; None if the backend cannot add it."""
        known = form(self.operation, self.source)
        if known is not None:
            part = Part(*known, self.scale, self.kept)
            shape = computing.shape(part)
            if shape is not None:
                return part, shape
        part = Part(self.operation(self.source, self.scale), [], None, self.kept)
        return part, computing.shape(part)


def node_sum(branches: Iterable[Branch]) -> NodeValue:
    """Sum the branches of a node; a backend computes all those together that it can."""
    branches = list(branches)
    computing = backend(branches[0].source.value)
    if computing is None:
        return NodeValue(reduce(add, (branch.value() for branch in branches)))
    alike: dict[Any, list[Part]] = {}
    values = []
    for branch in branches:
        part, shape = branch.part(computing)
        if shape is None:
            values.append(part.x if part.kept is None else times(part.x, part.kept))
        else:
            alike.setdefault((shape, part.x.dtype), []).append(part)
    values += [computing.node_sum(parts, MOMENTUM, EPSILON) for parts in alike.values()]
    return NodeValue(reduce(add, values))
