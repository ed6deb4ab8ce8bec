"""How the cells of a network are computed on a device. Only the precision is part of the method."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

from pdarts.nets.backends.form import Backend
from pdarts.nets.node import NodeValue, backend, computed_by
from pdarts.settings.machine import Kernels, Machine
from pdarts.settings.optimization import Precision

TORCH = "torch"
"""Name of PyTorch's own operations, where no backend computes."""


@dataclass(frozen=True)
class Execution:
    """Settings of a network's forward pass."""

    precision: Precision = "float32"
    """Type of feature maps and convolutions; `float32` leaves them the type of the weights."""
    kernels: Kernels = "auto"
    """`auto` lets backends compute where they can; with `torch`, PyTorch computes everything."""
    recompute: bool = False
    """Whether the backward pass computes each cell again, instead of keeping its intermediate results."""

    @contextmanager
    def autocast(self, device: torch.device) -> Iterator[None]:
        """Return the context of a forward pass; parameters and running statistics keep their type."""
        bfloat16 = self.precision == "bfloat16"
        with computed_by(self.kernels), torch.autocast(device.type, torch.bfloat16) if bfloat16 else nullcontext():
            yield

    def run(self, cell: nn.Module, before_previous: NodeValue, previous: NodeValue, *arguments: Any) -> Tensor:
        """Run a cell on its inputs."""
        if self.recompute and torch.is_grad_enabled():
            return _recomputed(cell, self.kernels, before_previous.value, previous.value, *arguments)
        return cell(before_previous, previous, *arguments)


def move_to_device(network: Any, device: torch.device, precision: Precision, machine: Machine) -> None:
    """Move a supernet or an evaluation network to `device`, and set how it computes."""
    compute_by(network, device, Execution(precision, machine.kernels, machine.recompute))


def compute_by(network: Any, device: torch.device, execution: Execution) -> None:
    """Set how a network computes on `device`, and lay out its weights for that.

    Feature maps follow the layout of the weights. Backends for GPUs, and cuDNN in bfloat16, are made for channels last.
    All else is faster with channels first: cuDNN's depthwise convolutions of float32 in channels last are slow.
    """
    network.execution = execution
    last = execution.precision == "bfloat16" or kernels(network, device) != TORCH
    layout = torch.channels_last if last else torch.contiguous_format
    network.to(device, memory_format=layout if device.type == "cuda" else torch.preserve_format)


def kernels(network: nn.Module, device: torch.device) -> str:
    """Name what computes a network's nodes on a device, for provenance: last bits depend on it."""
    computing = backend_of(network, device)
    return TORCH if computing is None else computing.NAME


def backend_of(network: nn.Module, device: torch.device) -> Backend | None:
    """Find the backend that computes a network's nodes on a device; None if PyTorch's own operations do."""
    execution: Any = network.execution
    with execution.autocast(device):
        return backend(torch.zeros(1, 1, 1, 1, device=device))


def _recomputed(cell: nn.Module, kernels: Kernels, *inputs: Any) -> Tensor:
    """Run a cell, and run it again in the backward pass, with the same random numbers and kernels.

    The second run uses the parameters of the first, which may be those of a `functional_call` that has ended by then.
    In training it leaves the running statistics as they are, and updates buffers that are thrown away.

    Source: Chen et al. 2016 (arXiv:1604.06174).
    """
    parameters, again = dict(cell.named_parameters()), False

    def compute(before_previous: Tensor, previous: Tensor, *arguments: Any) -> Tensor:
        nonlocal again
        values = NodeValue(before_previous), NodeValue(previous), *arguments
        if not again:
            again = True
            return cell(*values)
        statistics = {name: torch.empty_like(buffer) for name, buffer in cell.named_buffers() if cell.training}
        with computed_by(kernels):
            return functional_call(cell, parameters | statistics, values, tie_weights=False)

    return checkpoint(compute, *inputs, use_reentrant=False)
