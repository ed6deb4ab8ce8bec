"""Steps as graphs: a GPU replays the kernels of a step, which Python would launch one by one, thousands of them.

A graph repeats kernels with the addresses and numbers that they were recorded with. A step that is recorded therefore
reads all that changes between its calls from tensors that stay where they are, and changes tensors in place. Graphs are
recorded and compared with the step itself at the third call of each shape; where they cannot be recorded, or compute
something else, the step goes on kernel by kernel.
"""

from collections.abc import Callable
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils._pytree import tree_iter, tree_map

from pdarts.engine import distributed
from pdarts.engine.device import device_name
from pdarts.engine.reads import Reads
from pdarts.engine.replays import agrees, attributes, copies, holds
from pdarts.errors import warn
from pdarts.settings.machine import Machine

EAGER_CALLS = 2
"""Calls of a shape before it is recorded: in them optimizers make their state, and libraries choose their kernels."""


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
        owner: an object whose attributes the function must leave as they are.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        record: Recorder | None,
        changed: Callable[[], list[Tensor]] = list,
        owner: object = None,
    ) -> None:
        self.name, self.function, self.recorder, self.changed = name, function, record, changed
        self.owner = SimpleNamespace() if owner is None else owner
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
            before = attributes(self.owner)
            with Reads() as reads:
                outputs = self.recorder.warm(partial(self.function, *inputs))
            if reads.found is not None:
                self._refuse(inputs[0].device, f"the host waits for {reads.found}")
            elif not holds(self.owner, before):
                self._refuse(inputs[0].device, "it keeps a state in attributes, which a graph would not change")
            return outputs
        if calls <= EAGER_CALLS:
            return self.recorder.warm(partial(self.function, *inputs))
        return self._recorded(self.recorder, shapes, inputs)

    def _recorded(self, recorder: Recorder, shapes: Any, inputs: tuple[Tensor, ...]) -> Any:
        """Record the function for these shapes, and return what it computes itself."""
        device, before = inputs[0].device, self._snapshot(inputs[0].device)
        try:
            replay, outputs = self._compared(recorder, inputs, before)
        except RuntimeError as error:
            replay, outputs = None, None
            reason = f"it could not be recorded ({(str(error).splitlines() or [type(error).__name__])[0]})"
        else:
            reason = "a replay computed something else"
        if replay is not None:
            self._replays[shapes] = replay
        else:
            self._refuse(device, reason)
        if device.type == "cuda":
            torch.cuda.empty_cache()  # frees what was taken outside of the graphs' pool, or in vain
        if outputs is None:
            self._restore(before, device)
            outputs = self.function(*inputs)
        return outputs

    def _compared(
        self, recorder: Recorder, inputs: tuple[Tensor, ...], before: tuple[list[Tensor], list[Tensor]]
    ) -> tuple[Callable[..., Any] | None, Any]:
        """Record the function and compare a replay with it; returns the replay, or None, and the function's outputs."""
        replay, outputs, computed = _replay(recorder, self.function, inputs), None, []
        if inputs[0].is_cuda and not before[1][0].equal(torch.get_rng_state()):
            raise RuntimeError("it draws random numbers on the host, which a graph would repeat")
        for compute in (replay, self.function, self.function):
            self._restore(before, inputs[0].device)
            outputs = compute(*inputs)
            computed.append(copies([*tree_iter(outputs), *self.changed()]))
        replayed, once, again = computed
        same = agrees(replayed, once, again, [*map(torch.zeros_like, tree_iter(outputs)), *before[0]])
        return (replay if same else None), outputs

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
        return copies(self.changed()), random

    def _restore(self, before: tuple[list[Tensor], list[Tensor]], device: torch.device) -> None:
        with torch.no_grad():
            for tensor, copy in zip(self.changed(), before[0], strict=True):
                tensor.copy_(copy)
        torch.set_rng_state(before[1][0])
        if device.type == "cuda":
            torch.cuda.set_rng_state(before[1][1], device)


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


@cache
def _side_stream() -> torch.cuda.Stream:
    return torch.cuda.Stream()


@cache
def _pool() -> Any:
    return torch.cuda.graph_pool_handle()
