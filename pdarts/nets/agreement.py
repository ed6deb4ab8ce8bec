"""Comparison of a backend with PyTorch in float64 on a batch of training or test images.

A card that nobody tried may therefore cost speed, but no result.
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pdarts.errors import InputError, warn
from pdarts.nets.execution import Execution, backend_of, compute_by

IMAGES = 16
"""Most images that are compared, so that float64 needs little time and memory."""
FACTOR = 4.0
"""How many times as far from float64 as PyTorch's operations of the same precision a backend may be."""
FLOORS = {0.5: 1e-3, 0.9: 1e-2, 1.0: 0.05}
"""Relative errors that a backend may have all the same, by quantile of the tensors compared.

A value near 0 that ReLU keeps in one precision and not in the other changes a few gradients by that much.
"""

Forward = Callable[[Any, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Computes loss and logits of a network, in training, from images and labels."""


def settle(network: Any, outcome: Forward, device: torch.device, first: Callable[[], tuple[Tensor, Tensor]]) -> None:
    """Let PyTorch compute a network if its backend is to be compared and is too far from float64; says so.

    Args:
        network: a supernet or an evaluation network.
        outcome: of the network, or of a copy.
        device: of the network.
        first: fetches images and labels of a batch.
    """
    computing = backend_of(network, device)
    if computing is None or not computing.COMPARED:
        return
    images, labels = (part[:IMAGES] for part in first())
    try:
        own, torchs = errors(network, outcome, images, labels)
    except (InputError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - compilers and drivers raise types of their own
        fault = f"fail ({type(error).__name__}: {str(error).strip().splitlines()[0]})"
    else:
        fault = _fault(own, torchs)
    if fault:
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else "this device"
        warn(
            f"on {name}, the {computing.NAME} kernels {fault}, so PyTorch's own compute this run; please report "
            "it, and set machine.kernels to torch meanwhile"
        )
        compute_by(network, device, replace(network.execution, kernels="torch"))


def _fault(own: Tensor, torchs: Tensor) -> str:
    """Say what is wrong with a backend's errors; empty if nothing is."""
    for quantile, floor in FLOORS.items():
        one, other = float(own.quantile(quantile)), float(torchs.quantile(quantile))
        if not one <= FACTOR * other + floor:
            return f"are {one:.2g} of a value off float64, PyTorch's own {other:.2g} (quantile {quantile} of tensors)"
    return ""


def errors(network: Any, outcome: Forward, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Compute relative errors against float64, one for each tensor compared: the backend's, and those of PyTorch.

    Logits are compared, and for a network in training the gradients of all parameters. Random states, gradients and
    statistics of the network stay as they are.
    """
    execution = network.execution
    precise = _values(network, outcome, images.double(), labels, Execution("float32", "torch"))
    by_torch = replace(execution, kernels="torch")
    own, torchs = (_errors(_values(network, outcome, images, labels, each), precise) for each in (execution, by_torch))
    return own, torchs


def _values(network: Any, outcome: Forward, images: Tensor, labels: Tensor, execution: Execution) -> list[Tensor]:
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


def _errors(values: list[Tensor], precise: list[Tensor]) -> Tensor:
    """Compute the relative error of each tensor; tensors that are small beside others count little."""
    norms = torch.stack([value.norm() for value in precise])
    apart = torch.stack([(one - other).norm() for one, other in zip(values, precise, strict=True)])
    return (apart / (norms + 1e-3 * norms.max())).nan_to_num(nan=torch.inf).cpu()
