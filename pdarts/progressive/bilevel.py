"""Parts that the updates of every search method are made of.

If there are several processes, each has its share of the batch, and all gradients are averaged over processes.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.3 and algorithm 1.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from pdarts.engine import distributed
from pdarts.engine.update import update
from pdarts.nets.supernet import Supernet

Batch = tuple[Tensor, Tensor]
"""Images of shape (N, 3, H, W) and labels of shape (N,)."""

Outcome = tuple[Tensor, Tensor]
"""Loss (a scalar) and logits, shape (N, classes), both on the device."""


@dataclass(frozen=True)
class Point:
    """The supernet of a stage, its optimizers, and all else that an update depends on but its batches.

    Numbers that change from epoch to epoch are scalars on the device, written anew when an epoch begins: a GPU that
    replays an update reads them, whereas a number of Python would stay what it was.
    """

    supernet: Supernet
    alphas: Optimizer
    """Optimizer of the architecture parameters."""
    weights: Optimizer
    """Optimizer of the network weights."""
    epoch: Tensor
    """Number of the epoch, from 0."""
    skip_dropout: Tensor | None
    """Rate of the dropout after skip connections in this epoch, float64, from 0 to below 1; None without dropout."""


def descend(
    supernet: Supernet,
    parameters: list[nn.Parameter],
    optimizer: Optimizer,
    clip: float | None,
    labels: Tensor,
    forward: Callable[[], Outcome],
) -> Outcome:
    """Update `parameters` of the supernet as `update` does, and compute no other gradients."""
    with learning(supernet, parameters):
        return update(parameters, optimizer, clip, labels, forward)


@contextmanager
def learning(supernet: Supernet, parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """A context whose forward and backward passes keep nothing for gradients of other parameters."""
    learned = set(map(id, parameters))
    before = [(parameter, parameter.requires_grad) for parameter in (*supernet.alphas(), *supernet.weights())]
    try:
        for parameter, _ in before:
            parameter.requires_grad_(id(parameter) in learned)
        yield
    finally:
        for parameter, required in before:
            parameter.requires_grad_(required)


def gradients(loss: Tensor, inputs: Sequence[Tensor], labels: Tensor) -> list[Tensor]:
    """Gradients of the mean loss, averaged over processes; zeros for inputs that the loss does not depend on."""
    return distributed.averaged(torch.autograd.grad(loss, inputs, materialize_grads=True), len(labels))
