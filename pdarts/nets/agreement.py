"""Comparison of a backend with PyTorch in float64 on the first images of a run.

A card that nobody tried may therefore cost speed, but no result.
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pdarts.errors import warn
from pdarts.nets.execution import TORCH, Execution, kernels

IMAGES = 16
"""Most images that are compared, so that float64 needs little time and memory."""
FACTOR = 4.0
"""How many times as far from float64 as PyTorch's operations of the same precision a backend may be."""
FLOOR = 1e-6
"""Relative error that any backend may have."""

Outcome = Callable[[Any, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Computes loss and logits of a network, in training, from images and labels."""


def settle(network: Any, outcome: Outcome, device: torch.device, first: Callable[[], tuple[Tensor, Tensor]]) -> None:
    """On a GPU, let PyTorch compute a network if the backend is too far from float64, and say so.

    Args:
        network: a supernet or an evaluation network, on the device.
        outcome: of the network, or of a copy.
        device: on a CPU nothing is compared.
        first: fetches images and labels of the first batch.
    """
    if device.type == "cpu" or kernels(network, device) == TORCH:
        return
    own, torchs = errors(network, outcome, *(part[:IMAGES] for part in first()))
    if own <= FACTOR * torchs + FLOOR:
        return
    warn(
        f"on {torch.cuda.get_device_name(device)}, {kernels(network, device)} kernels are {own:.2g} of a value off "
        f"float64, and PyTorch's own {torchs:.2g}, so PyTorch's own compute this run; please report the card"
    )
    network.execution = replace(network.execution, kernels="torch")


def errors(network: Any, outcome: Outcome, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Compute the largest relative error of the backend, and that of PyTorch's operations, against float64.

    Logits are compared, and for a network in training the gradients of all parameters. Random states, gradients and
    statistics of the network stay as they are.
    """
    execution = network.execution
    precise = _values(network, outcome, images.double(), labels, Execution("float32", "torch"))
    by_torch = replace(execution, kernels="torch")
    own, torchs = (_error(_values(network, outcome, images, labels, each), precise) for each in (execution, by_torch))
    return own, torchs


def _values(network: Any, outcome: Outcome, images: Tensor, labels: Tensor, execution: Execution) -> list[Tensor]:
    """Compute what is compared, by a copy of the network in the type of the images."""
    one = copy.deepcopy(network).to(images.dtype)
    one.execution, values = execution, []
    with torch.random.fork_rng([images.device] if images.is_cuda else []):
        if one.training:
            loss, logits = outcome(one, images, labels)
            loss.backward()
            values = [logits.detach(), *(each.grad for each in one.parameters() if each.grad is not None)]
        with torch.no_grad():
            values.append(outcome(one.eval(), images, labels)[1])
    return [value.double() for value in values]


def _error(values: list[Tensor], precise: list[Tensor]) -> float:
    """Compute the largest relative error of a tensor; tensors that are small beside others count little."""
    norms = torch.stack([value.norm() for value in precise])
    apart = torch.stack([(one - other).norm() for one, other in zip(values, precise, strict=True)])
    error = (apart / (norms + 1e-3 * norms.max())).max()
    return float("inf") if error.isnan() else float(error)
