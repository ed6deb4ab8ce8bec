"""How weights and alphas are trained, in a search and in a recipe."""

from typing import Literal

from pdarts.settings.base import NonNegative, Rate, Settings, Share

Precision = Literal["float32", "bfloat16"]


class WeightsOptimizer(Settings):
    """SGD of network weights with a cosine or linear schedule, constant within an epoch."""

    learning_rate: Rate
    """Learning rate of the first epoch."""
    final_learning_rate: NonNegative
    """What a cosine schedule falls to after the last epoch."""
    momentum: Share
    """Momentum of SGD."""
    weight_decay: NonNegative
    """L2 penalty on all network weights."""
    clip: Rate | None
    """Largest norm of all weights' gradients together; null for no limit."""


class AlphasOptimizer(Settings):
    """Adam of the alphas, at a constant rate."""

    learning_rate: Rate
    """Learning rate of every epoch."""
    betas: tuple[Share, Share]
    """Decay of Adam's first and second moments."""
    weight_decay: NonNegative
    """L2 penalty on the alphas."""
    clip: Rate | None
    """Largest norm of all alphas' gradients together; null for no limit."""


def check_shares(batch_size: int, processes: int) -> None:
    """Refuse a batch that its processes cannot share equally."""
    if batch_size % processes:
        raise ValueError(f"batch_size is {batch_size}; allowed: multiples of processes, which is {processes}")
