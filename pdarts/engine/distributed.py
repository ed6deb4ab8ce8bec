"""Work that several processes do together: each takes its share of every batch, and gradients are averaged.

`torchrun` starts the processes. Gradients are averaged by explicit calls, not by DistributedDataParallel, since the
updates of the alphas and of DARTS' second order differentiate with respect to some parameters only, and the shares of
the last batch differ in size. In a single process all functions here return their arguments unchanged.
"""

import os
import signal
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor
from torch import distributed as torch_distributed

from pdarts.data.share import Share
from pdarts.errors import InputError

Value = TypeVar("Value")

TIMEOUT = timedelta(minutes=10)
"""Longest wait for a process that is stuck; one that dies ends all at once."""


def start(processes: int, device: torch.device) -> None:
    """Meet the other processes.

    Args:
        processes: number of processes that there must be.
        device: that of this process.

    Raises:
        InputError: if there are more or fewer processes.
    """
    launched = torch_distributed.is_torchelastic_launched()
    found = int(os.environ["WORLD_SIZE"]) if launched else 1
    if found != processes:
        raise InputError(
            f"processes is {processes}, but {found} work here; start the step with "
            f"torchrun --standalone --nproc-per-node {processes} -m pdarts.STEP, or python -m pdarts.STEP where it is 1"
        )
    if processes == 1:
        return
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    torch_distributed.init_process_group(backend, timeout=TIMEOUT)


def _end_with(parent: int) -> None:
    """End at once when torchrun is killed; else this process would run beside the one that continues its work."""
    while os.getppid() == parent:
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGKILL)


def processes() -> int:
    """Number of processes."""
    return torch_distributed.get_world_size() if torch_distributed.is_initialized() else 1


def rank() -> int:
    """Number of this process; number 0 writes all files, and its BatchNorm statistics are kept."""
    return torch_distributed.get_rank() if torch_distributed.is_initialized() else 0


def share() -> Share:
    """This process's share of a batch."""
    return Share(rank(), processes())


def averaged(gradients: Sequence[Tensor], images: int) -> list[Tensor]:
    """Average over the images of all processes.

    Args:
        gradients: means over this process's images, on one device.
        images: number of this process's images.
    """
    if processes() == 1:
        return list(gradients)
    counted = gradients[0].new_full((1,), images)
    flat = torch.cat([*(images * gradient.flatten() for gradient in gradients), counted])
    torch_distributed.all_reduce(flat)
    parts = (flat[:-1] / flat[-1]).split([gradient.numel() for gradient in gradients])
    return [part.view_as(gradient) for part, gradient in zip(parts, gradients, strict=True)]


def average_gradients(parameters: Iterable[Tensor], images: int) -> None:
    """Average the gradients of all parameters that have one over the images of all processes, as `averaged` does.

    They are overwritten where they are: an optimizer wants them laid out in memory like their parameters.
    """
    if processes() == 1:
        return
    held = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient, average in zip(held, averaged(held, images), strict=True):
        gradient.copy_(average)


def summed(sums: Tensor) -> Tensor:
    """The sum over all processes."""
    if processes() > 1:
        sums = sums.clone()
        torch_distributed.all_reduce(sums)
    return sums


def any_process(holds: bool) -> bool:
    """Whether it holds in any process; all learn the same, without waiting for GPUs."""
    return holds if processes() == 1 else bool(summed(torch.tensor(int(holds))))


def copy_from_first(tensors: Iterable[Tensor]) -> None:
    """Overwrite tensors, all of one type and device, by those of process 0."""
    held = list(tensors)
    if processes() == 1 or not held:
        return
    flat = torch.cat([tensor.flatten() for tensor in held])
    torch_distributed.broadcast(flat, 0)
    for tensor, part in zip(held, flat.split([tensor.numel() for tensor in held]), strict=True):
        tensor.copy_(part.view_as(tensor))


def from_first(value: Value) -> Value:
    """The value that process 0 has."""
    if processes() == 1:
        return value
    held = [value]
    torch_distributed.broadcast_object_list(held)
    return held[0]


def from_all(value: Value) -> list[Value]:
    """The values of all processes, in the order of their numbers."""
    if processes() == 1:
        return [value]
    held: list[Value] = [value] * processes()
    torch_distributed.all_gather_object(held, value)
    return held


def wait() -> None:
    """Wait for all other processes."""
    any_process(False)
