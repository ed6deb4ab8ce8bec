"""Learning rates by epoch, constant within an epoch. Epochs count from 0."""

import math
from collections import ChainMap
from collections.abc import Callable

from pdarts import extensions
from pdarts.settings.optimization import WeightsOptimizer
from pdarts.settings.recipes import Recipe
from pdarts.settings.searches import StageSettings

LINEAR_TAIL = 5
"""Last epochs of the linear schedule, whose slope is a fifth of that before."""


def cosine(epoch: int, epochs: int, first: float, last: float) -> float:
    """Half a cosine from `first` in epoch 0 to `last` behind the last epoch (arXiv:1608.03983)."""
    return last + 0.5 * (first - last) * (1 + math.cos(math.pi * epoch / epochs))


def linear(epoch: int, epochs: int, first: float, last: float) -> float:
    """A line from `first` to 0 at the last five epochs, then a fifth of its slope (Chen et al. 2019, ImageNet).

    `last` plays no part: the line has an end of its own.
    """
    falling = epochs - LINEAR_TAIL
    if epoch < falling:
        return first * (falling - epoch) / falling
    return first * (epochs - epoch) / (falling * LINEAR_TAIL)


SCHEDULES: ChainMap[str, Callable[[int, int, float, float], float]] = ChainMap(
    {"cosine": cosine, "linear": linear}, extensions.schedules
)
"""From the epoch, the number of epochs, the first and the final learning rate to that of the epoch."""


def learning_rate(recipe: Recipe, epoch: int) -> float:
    """The recipe's learning rate of an epoch; a warm-up reduces the scheduled one in the first epochs."""
    rate = scheduled(recipe.schedule, recipe.optimizer, recipe.epochs, epoch)
    return rate * min(1.0, (epoch + 1) / recipe.warmup_epochs) if recipe.warmup_epochs else rate


def search_learning_rate(stage: StageSettings, epoch: int) -> float:
    """Likewise of network weights in a search, where a warm-up takes the place of the schedule (Xu et al. 2020)."""
    if epoch < stage.warmup_epochs:
        return stage.weights.learning_rate * (epoch + 1) / stage.warmup_epochs
    return scheduled(stage.schedule, stage.weights, stage.epochs, epoch)


def scheduled(schedule: str, optimizer: WeightsOptimizer, epochs: int, epoch: int) -> float:
    """The learning rate of an epoch without warm-up."""
    return SCHEDULES[schedule](epoch, epochs, optimizer.learning_rate, optimizer.final_learning_rate)


def drop_path_rate(recipe: Recipe, epoch: int) -> float:
    """The recipe's drop path rate of an epoch: linear from 0 towards `drop_path`."""
    return recipe.drop_path * epoch / recipe.epochs
