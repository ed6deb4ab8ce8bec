"""One step of the alphas, one step of the weights; each computes no gradient that the other would need.

Where several processes work, each has its share of the batch, and whatever gradient is used is the mean over all.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.3 and algorithm 1.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from pdarts.engine import distributed
from pdarts.nets.supernet import Supernet

Batch = tuple[Tensor, Tensor]
"""Images of shape (N, 3, H, W) and labels of shape (N,)."""


def alphas_step(
    supernet: Supernet, batch: Batch, optimizer: Optimizer, clip: float | None, skip_dropout: float
) -> tuple[Tensor, Tensor]:
    """Move the alphas along the gradient of a batch of their own images.

    Returns:
        Loss (a scalar) and logits, shape (N, classes), both detached and on the device.
    """
    return _step(supernet, supernet.alphas(), batch, optimizer, clip, skip_dropout)


def weights_step(
    supernet: Supernet, batch: Batch, optimizer: Optimizer, clip: float | None, skip_dropout: float
) -> tuple[Tensor, Tensor]:
    """Move the network weights along the gradient of a batch of training images.

    Returns:
        Loss (a scalar) and logits, shape (N, classes), both detached and on the device.
    """
    return _step(supernet, supernet.weights(), batch, optimizer, clip, skip_dropout)


def second_order_alphas_step(
    supernet: Supernet,
    batch: Batch,
    train_batch: Batch,
    optimizer: Optimizer,
    weights_optimizer: Optimizer,
    clip: float | None,
    skip_dropout: float,
) -> tuple[Tensor, Tensor]:
    """Move the alphas along their gradient through one step of the weights, by finite differences.

    Args:
        batch: images of the alphas.
        train_batch: images of the weights step that comes next.
        optimizer: of the alphas.
        weights_optimizer: SGD of the weights, whose learning rate, momentum and weight decay the virtual step takes.

    Returns:
        As `alphas_step`; of the virtual network.
    """
    alphas, names = supernet.alphas(), supernet.weight_names()
    (group,) = weights_optimizer.param_groups
    with _learning(supernet, supernet.weights()):
        virtual = _virtual_weights(supernet, train_batch, weights_optimizer, skip_dropout)
    statistics = {name: buffer.clone() for name, buffer in supernet.named_buffers()}  # the virtual network's own
    images, labels = batch
    logits = functional_call(supernet, dict(zip(names, virtual, strict=True)) | statistics, (images, skip_dropout))
    loss = F.cross_entropy(logits, labels)
    gradients = _gradients(loss, [*alphas, *virtual], labels)
    direct, directions = gradients[: len(alphas)], gradients[len(alphas) :]
    radius = 0.01 / torch.stack([direction.norm() for direction in directions]).norm()
    around = []
    for sign in (1, -1):
        shifted = [
            (weight + sign * radius * direction).detach()
            for weight, direction in zip(supernet.weights(), directions, strict=True)
        ]
        shifted_logits = functional_call(
            supernet, dict(zip(names, shifted, strict=True)), (train_batch[0], skip_dropout)
        )
        shifted_loss = F.cross_entropy(shifted_logits, train_batch[1])
        around.append(_gradients(shifted_loss, alphas, train_batch[1]))
    for alpha, gradient, plus, minus in zip(alphas, direct, *around, strict=True):
        alpha.grad = gradient - group["lr"] * (plus - minus) / (2 * radius)
    if clip is not None:
        clip_grad_norm_(alphas, clip)
    optimizer.step()
    return loss.detach(), logits.detach()


def _virtual_weights(supernet: Supernet, batch: Batch, optimizer: Optimizer, skip_dropout: float) -> list[Tensor]:
    """The weights behind the step that `optimizer` would take; leaves of a new graph."""
    images, labels = batch
    weights = supernet.weights()
    gradients = _gradients(F.cross_entropy(supernet(images, skip_dropout), labels), weights, labels)
    (group,) = optimizer.param_groups
    virtual = []
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            step = gradient + group["weight_decay"] * weight
            if (velocity := optimizer.state[weight].get("momentum_buffer")) is not None:
                step += group["momentum"] * velocity
            virtual.append((weight - group["lr"] * step).requires_grad_())
    return virtual


@contextmanager
def _learning(supernet: Supernet, parameters: list[nn.Parameter]) -> Iterator[None]:
    """In forward and backward passes under this, nothing is kept for gradients of other parameters."""
    chosen, everything = set(map(id, parameters)), [*supernet.alphas(), *supernet.weights()]
    try:
        for parameter in everything:
            parameter.requires_grad_(id(parameter) in chosen)
        yield
    finally:
        for parameter in everything:
            parameter.requires_grad_(True)


def _gradients(loss: Tensor, inputs: Sequence[Tensor], labels: Tensor) -> list[Tensor]:
    """Of the mean over all images, those of the other processes too; zeros for what the loss does not depend on."""
    return distributed.averaged(torch.autograd.grad(loss, inputs, materialize_grads=True), len(labels))


def _step(
    supernet: Supernet,
    parameters: list[nn.Parameter],
    batch: Batch,
    optimizer: Optimizer,
    clip: float | None,
    skip_dropout: float,
) -> tuple[Tensor, Tensor]:
    images, labels = batch
    optimizer.zero_grad()
    with _learning(supernet, parameters):
        logits = supernet(images, skip_dropout)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
    distributed.average_gradients(parameters, len(labels))
    if clip is not None:
        clip_grad_norm_(parameters, clip)
    optimizer.step()
    return loss.detach(), logits.detach()
