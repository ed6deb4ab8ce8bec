"""Learning rates by epoch, constant within an epoch. Epochs count from 0."""

import math

from pdarts.settings.recipes import Recipe

LINEAR_TAIL = 5
"""Last epochs of the linear schedule, whose slope is a fifth of that before."""


def cosine(epoch: int, epochs: int, first: float, last: float) -> float:
    """Half a cosine from `first` in epoch 0 to `last` behind the last epoch (arXiv:1608.03983)."""
    return last + 0.5 * (first - last) * (1 + math.cos(math.pi * epoch / epochs))


def linear(epoch: int, epochs: int, first: float) -> float:
    """A line from `first` to 0 at the last five epochs, then a fifth of its slope (Chen et al. 2019, ImageNet)."""
    falling = epochs - LINEAR_TAIL
    if epoch < falling:
        return first * (falling - epoch) / falling
    return first * (epochs - epoch) / (falling * LINEAR_TAIL)


def learning_rate(recipe: Recipe, epoch: int) -> float:
    """The recipe's learning rate of an epoch, warm-up included."""
    optimizer = recipe.optimizer
    if recipe.schedule == "cosine":
        rate = cosine(epoch, recipe.epochs, optimizer.learning_rate, optimizer.final_learning_rate)
    else:
        rate = linear(epoch, recipe.epochs, optimizer.learning_rate)
    return rate * min(1.0, (epoch + 1) / recipe.warmup_epochs) if recipe.warmup_epochs else rate


def drop_path_rate(recipe: Recipe, epoch: int) -> float:
    """The recipe's drop path rate of an epoch: linear from 0 towards `drop_path`."""
    return recipe.drop_path * epoch / recipe.epochs
