"""Learning rates by epoch, constant within an epoch. Epochs count from 0."""

import math
from collections import ChainMap
from collections.abc import Callable

import torch
from torch import Tensor

from pdarts import extensions
from pdarts.settings.recipes import Recipe
from pdarts.settings.searches import StageSettings

LINEAR_TAIL = 5
"""Number of epochs at the end of the linear schedule, in which its slope is a fifth of that before."""


def cosine(epoch: int, epochs: int, first: float, last: float) -> float:
    """Fall along half a cosine, from `first` in epoch 0 to `last` after the final epoch (arXiv:1608.03983)."""
    return last + 0.5 * (first - last) * (1 + math.cos(math.pi * epoch / epochs))


def linear(epoch: int, epochs: int, first: float, last: float) -> float:
    """Fall linearly, and five times as slowly in the last five epochs, to 0 after the final one; `last` is ignored.

    Source: Chen et al. 2019 (arXiv:1904.12760), retraining on ImageNet.
    """
    falling = epochs - LINEAR_TAIL
    if epoch < falling:
        return first * (falling - epoch) / falling
    return first * (epochs - epoch) / (falling * LINEAR_TAIL)


SCHEDULES: ChainMap[str, Callable[[int, int, float, float], float]] = ChainMap(
    {"cosine": cosine, "linear": linear}, extensions.schedules
)
"""Functions of the epoch, the number of epochs, the first and the final learning rate that give the epoch's rate."""


def learning_rate(settings: Recipe | StageSettings, epoch: int) -> float:
    """The learning rate of the network weights in `epoch`, in a training or in a stage of a search.

    Warm-up makes the rate rise in the first epochs. In a training it scales the schedule; in a search it rises to the
    schedule's first rate, and the schedule goes on from where it would be by then (Xu et al. 2020).
    """
    optimizer = settings.weights if isinstance(settings, StageSettings) else settings.optimizer
    first, last, warmup = optimizer.learning_rate, optimizer.final_learning_rate, settings.warmup_epochs
    if isinstance(settings, StageSettings) and epoch < warmup:
        return first * (epoch + 1) / warmup
    rate = SCHEDULES[settings.schedule](epoch, settings.epochs, first, last)
    return rate * ((epoch + 1) / warmup) if epoch < warmup else rate


def rate_tensor(device: torch.device) -> Tensor:
    """Make the scalar that an optimizer reads its learning rate from: fused optimizers take float32 on a GPU."""
    return torch.zeros((), dtype=torch.float32 if device.type == "cuda" else torch.float64, device=device)


def drop_path_rate(recipe: Recipe, epoch: int) -> float:
    """The recipe's drop path rate in `epoch`, which rises linearly from 0 towards `drop_path`."""
    return recipe.drop_path * epoch / recipe.epochs
