"""Steps as graphs: a GPU replays the kernels of a step, which Python would launch one by one, thousands of them.

A graph repeats kernels with the addresses and numbers that they were recorded with. A step that is recorded therefore
reads all that changes between its calls from tensors that stay where they are, and changes tensors in place. Graphs are
recorded and compared with the step itself at the third call of each shape; where they cannot be recorded, or compute
something else, the step goes on kernel by kernel.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

from pdarts.engine import distributed
from pdarts.engine.device import device_name
from pdarts.errors import warn
from pdarts.settings.machine import Machine

EAGER_CALLS = 2
"""Calls of a shape before it is recorded: in them optimizers make their state, and libraries choose their kernels."""
INDEXING = (torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default, torch.ops.aten.index_put_.default)
"""Operations that wait for the device only if indices are masks."""
TOLERANCE = 0.01
"""Largest difference between a replay and the step, in parts of what the step changes, where its own bits vary."""


class Recorder(Protocol):
    """Records what a device computes."""

    def warm(self, step: Callable[[], Any]) -> Any:
        """Compute a step that is recorded later."""

    def record(self, step: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        """Record a step; returns its outputs, which each replay overwrites, and the function that replays it."""


class CudaGraphs:
    """Records CUDA graphs, all in one pool of memory, since they are replayed one after the other."""

    def warm(self, step: Callable[[], Any]) -> Any:
        """Compute a step beside the default stream, as PyTorch's notes on CUDA graphs ask for."""
        stream = _side_stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            outputs = step()
        torch.cuda.current_stream().wait_stream(stream)
        return outputs

    def record(self, step: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        """Record a step without computing it; threads that hand over images may go on meanwhile."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=_pool(), capture_error_mode="thread_local"):
            outputs = step()
        return outputs, graph.replay


RECORDERS: dict[str, Callable[[], Recorder]] = {"cuda": CudaGraphs}
"""Recorders by type of device."""


def recorder(device: torch.device, machine: Machine) -> Recorder | None:
    """Choose the recorder for the steps of this process; None if they are not recorded.

    Recomputation draws random numbers anew from states that the host keeps, and processes wait for each other.
    """
    if not machine.graphs or machine.recompute or distributed.processes() > 1 or device.type not in RECORDERS:
        return None
    return RECORDERS[device.type]()


class Graphs:
    """A function of tensors, replayed as a graph for each of their shapes; without a recorder it is the plain function.

    Args:
        name: of the step, for messages.
        function: from tensors to a tensor, or to a tuple of tensors.
        record: the recorder, or None.
        changed: lists the tensors that the function changes, apart from random states.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        record: Recorder | None,
        changed: Callable[[], list[Tensor]] = list,
    ) -> None:
        self.name, self.function, self.recorder, self.changed = name, function, record, changed
        self._calls: dict[Any, int] = {}
        self._replays: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *inputs: Tensor) -> Any:
        """Compute the function; what it returns is the caller's own."""
        if self.recorder is None:
            return self.function(*inputs)
        shapes = tuple(x.shape for x in inputs)
        if shapes in self._replays:
            return self._replays[shapes](*inputs)
        calls = self._calls[shapes] = self._calls.get(shapes, 0) + 1
        if calls == 1:
            with Reads() as reads:
                outputs = self.recorder.warm(partial(self.function, *inputs))
            if reads.found is not None:
                self._refuse(inputs[0].device, f"the host waits for {reads.found}")
            return outputs
        if calls <= EAGER_CALLS:
            return self.recorder.warm(partial(self.function, *inputs))
        return self._recorded(self.recorder, shapes, inputs)

    def _recorded(self, recorder: Recorder, shapes: Any, inputs: tuple[Tensor, ...]) -> Any:
        """Record the function for these shapes, compare a replay with it, and return what it computes itself."""
        device, before, outputs = inputs[0].device, self._snapshot(inputs[0].device), None
        try:
            replay = _replay(recorder, self.function, inputs)
            computed = []
            for compute in (replay, self.function, self.function):
                self._restore(before, device)
                outputs = compute(*inputs)
                computed.append(_copies([*tree_iter(outputs), *self.changed()]))
            replayed, once, again = computed
            if agrees(replayed, once, again, [*map(torch.zeros_like, tree_iter(outputs)), *before[0]]):
                self._replays[shapes] = replay
            else:
                self._refuse(device, "a replay computed something else")
        except RuntimeError as error:
            self._refuse(device, f"it could not be recorded ({str(error).splitlines()[0]})")
            self._restore(before, device)
            outputs = self.function(*inputs)
        if device.type == "cuda":
            torch.cuda.empty_cache()  # of what the step took outside of the graphs' pool
        return outputs

    def _refuse(self, device: torch.device, reason: str) -> None:
        """Go on without graphs."""
        self.recorder = None
        self._replays.clear()
        warn(
            f"{device_name(device)} computes the {self.name} kernel by kernel, which takes longer, since {reason}; "
            "machine.graphs: false does so from the start"
        )

    def _snapshot(self, device: torch.device) -> tuple[list[Tensor], list[Tensor]]:
        """Copy all that the function changes: tensors and random states."""
        random = [torch.get_rng_state()]
        if device.type == "cuda":
            random.append(torch.cuda.get_rng_state(device))
        return _copies(self.changed()), random

    def _restore(self, before: tuple[list[Tensor], list[Tensor]], device: torch.device) -> None:
        with torch.no_grad():
            for tensor, copy in zip(self.changed(), before[0], strict=True):
                tensor.copy_(copy)
        torch.set_rng_state(before[1][0])
        if device.type == "cuda":
            torch.cuda.set_rng_state(before[1][1], device)


def changed_by(parts: Mapping[str, nn.Module | Optimizer]) -> list[Tensor]:
    """List the tensors that updates change: parameters and buffers of networks, and what optimizers hold."""
    found: list[Tensor] = []
    for part in parts.values():
        if isinstance(part, nn.Module):
            found += part.state_dict().values()
        else:
            found += (value for held in part.state.values() for value in held.values() if isinstance(value, Tensor))
    return found


def agrees(replayed: list[Tensor], once: list[Tensor], again: list[Tensor], before: list[Tensor]) -> bool:
    """Tell whether a replay computes what the step does: to the last bit, if the step repeats to the last bit.

    Args:
        replayed: outputs of the replay, and what it changed.
        once: the same of the step.
        again: the same of the step, computed again from the same state.
        before: what all three start from; zeros for outputs.
    """
    if _same(once, again):
        return _same(replayed, again)
    apart = zip(replayed, again, before, strict=True)
    return all(one.equal(other) or _norm(one, other) <= TOLERANCE * _norm(other, first) for one, other, first in apart)


def _norm(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).norm())


def _same(one: Iterable[Tensor], other: Iterable[Tensor]) -> bool:
    return all(a.equal(b) for a, b in zip(one, other, strict=True))


def _copies(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


def _replay(recorder: Recorder, function: Callable[..., Any], inputs: tuple[Tensor, ...]) -> Callable[..., Any]:
    """Record a function of inputs that stay where they are, and return one that copies others there first."""
    held = [x.clone() for x in inputs]
    outputs, replay = recorder.record(partial(function, *held))

    def replayed(*inputs: Tensor) -> Any:
        for place, x in zip(held, inputs, strict=True):
            place.copy_(x)
        replay()
        return tree_map(torch.clone, outputs)  # since other graphs may use this memory too

    return replayed


class Reads(TorchDispatchMode):
    """Notices operations for whose results the host waits, or that move tensors between host and device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: str | None = None
        """The last of these operations."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = function(*args, **(kwargs or {}))
        before, behind = _devices((args, kwargs)), _devices(outputs)
        if _waits(function, args) or (before and behind and before.isdisjoint(behind)):
            self.found = str(function)
        return outputs


def _waits(function: Any, args: Any) -> bool:
    """Tell whether what an operation returns, or its shape, follows from values."""
    if function in INDEXING:
        return any(index.dtype in (torch.bool, torch.uint8) for index in args[1] if index is not None)
    return not {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}.isdisjoint(function.tags)


def _devices(values: Any) -> set[torch.device]:
    return {value.device for value in tree_iter(values) if isinstance(value, Tensor)}


@cache
def _side_stream() -> torch.cuda.Stream:
    return torch.cuda.Stream()


@cache
def _pool() -> Any:
    return torch.cuda.graph_pool_handle()
