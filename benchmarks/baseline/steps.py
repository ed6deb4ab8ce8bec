"""Steps of a search and of a training, as the papers write them."""

import copy

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from benchmarks.baseline.network import Network
from benchmarks.baseline.supernet import Supernet

Batch = tuple[Tensor, Tensor]


def search_step(
    supernet: Supernet, batch: Batch, optimizer: Optimizer, clip: float | None, skip_dropout: float = 0.0
) -> Tensor:
    """Move what `optimizer` holds, alphas or weights."""
    images, labels = batch
    loss = F.cross_entropy(supernet(images, skip_dropout), labels)
    supernet.zero_grad()
    loss.backward()
    if clip is not None:
        clip_grad_norm_(optimizer.param_groups[0]["params"], clip)
    optimizer.step()
    return loss.detach()


def second_order_step(
    supernet: Supernet, batch: Batch, train_batch: Batch, alphas: Optimizer, weights: Optimizer
) -> None:
    """Move the alphas along their gradient through a virtual step of a copy of the supernet."""
    images, labels = train_batch
    (group,) = weights.param_groups
    supernet.zero_grad()
    F.cross_entropy(supernet(images), labels).backward()
    virtual = copy.deepcopy(supernet)
    with torch.no_grad():
        for weight, copied in zip(supernet.weights(), virtual.weights(), strict=True):
            step = weight.grad + group["weight_decay"] * weight
            if (velocity := weights.state[weight].get("momentum_buffer")) is not None:
                step = step + group["momentum"] * velocity
            copied -= group["lr"] * step
    virtual.zero_grad()
    F.cross_entropy(virtual(batch[0]), batch[1]).backward()
    directions = [weight.grad for weight in virtual.weights()]
    radius = 0.01 / torch.cat([direction.flatten() for direction in directions]).norm()
    around = []
    for shift in (radius, -2 * radius):
        with torch.no_grad():
            for weight, direction in zip(supernet.weights(), directions, strict=True):
                weight += shift * direction
        supernet.zero_grad()
        F.cross_entropy(supernet(images), labels).backward()
        around.append([alpha.grad.clone() for alpha in supernet.alphas()])
    with torch.no_grad():
        for weight, direction in zip(supernet.weights(), directions, strict=True):
            weight += radius * direction
        for alpha, direct, plus, minus in zip(supernet.alphas(), virtual.alphas(), *around, strict=True):
            alpha.grad = direct.grad - group["lr"] * (plus - minus) / (2 * radius)
    alphas.step()


def train_step(
    network: Network, batch: Batch, optimizer: Optimizer, auxiliary_weight: float, drop_path: float
) -> Tensor:
    images, labels = batch
    logits, auxiliary_logits = network(images, drop_path)
    loss = F.cross_entropy(logits, labels) + auxiliary_weight * F.cross_entropy(auxiliary_logits, labels)
    optimizer.zero_grad()
    loss.backward()
    clip_grad_norm_(network.parameters(), 5)
    optimizer.step()
    return loss.detach()
