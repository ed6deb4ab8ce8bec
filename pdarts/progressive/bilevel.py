"""What every search method's steps are made of: a point of a search, and a step down a gradient.

Where several processes work, each has its share of the batch, and whatever gradient is used is the mean over all.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.3 and algorithm 1.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from pdarts.engine import distributed
from pdarts.nets.supernet import Supernet

Batch = tuple[Tensor, Tensor]
"""Images of shape (N, 3, H, W) and labels of shape (N,)."""

Outcome = tuple[Tensor, Tensor]
"""Loss (a scalar) and logits, shape (N, classes), both detached and on the device."""


@dataclass(frozen=True)
class Point:
    """What a search trains, and how far it has come: all that a step depends on beside its batches."""

    supernet: Supernet
    alphas: Optimizer
    """It moves the architecture parameters."""
    weights: Optimizer
    """It moves the network weights."""
    epoch: int
    """From 0; schedules depend on it."""
    learning_rate: float
    """Of the network weights in this epoch."""
    skip_dropout: float
    """Rate of the dropout behind skip connections in this epoch, from 0 to below 1."""


def descend(
    supernet: Supernet,
    parameters: list[nn.Parameter],
    optimizer: Optimizer,
    clip: float | None,
    labels: Tensor,
    forward: Callable[[], Outcome],
) -> Outcome:
    """Move `parameters` along the gradient of the loss that `forward` gives, and keep nothing for any other gradient.

    Args:
        supernet: whose parameters they are.
        parameters: what is moved.
        optimizer: of these parameters.
        clip: largest norm of their gradients together; None for no limit.
        labels: of the batch; their number weighs this process's gradient.
        forward: loss and logits of the batch, with their graph.
    """
    optimizer.zero_grad()
    with learning(supernet, parameters):
        loss, logits = forward()
        loss.backward()
    distributed.average_gradients(parameters, len(labels))
    if clip is not None:
        clip_grad_norm_(parameters, clip)
    optimizer.step()
    return loss.detach(), logits.detach()


@contextmanager
def learning(supernet: Supernet, parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """In forward and backward passes under this, nothing is kept for gradients of other parameters."""
    chosen = set(map(id, parameters))
    before = [(parameter, parameter.requires_grad) for parameter in (*supernet.alphas(), *supernet.weights())]
    try:
        for parameter, _ in before:
            parameter.requires_grad_(id(parameter) in chosen)
        yield
    finally:
        for parameter, learned in before:
            parameter.requires_grad_(learned)


def gradients(loss: Tensor, inputs: Sequence[Tensor], labels: Tensor) -> list[Tensor]:
    """Gradients of the mean loss, averaged over processes; zeros for inputs that the loss does not depend on."""
    return distributed.averaged(torch.autograd.grad(loss, inputs, materialize_grads=True), len(labels))
