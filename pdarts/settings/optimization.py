"""How weights and alphas are trained, in a search and in a recipe."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pdarts.settings.base import Settings, one_of

Precision = Literal["float32", "bfloat16"]
SCHEDULES = ["cosine", "linear"]
"""Names of learning-rate schedules; extensions add theirs."""
Schedule = Annotated[str, BeforeValidator(one_of(SCHEDULES)), Field(json_schema_extra={"examples": [*SCHEDULES]})]
LINEAR_TAIL = 5
"""Epochs of the linear schedule's tail, repeated from `engine.schedules`, which settings do not import."""


WeightDecay = Annotated[float, Field(ge=0, le=0.5, examples=[0.0003])]
Clip = Annotated[float, Field(gt=0, le=1000, examples=[5.0])]


class WeightsOptimizer(Settings):
    """SGD of network weights, with a learning rate that is constant within an epoch."""

    learning_rate: Annotated[float, Field(gt=0, le=10, examples=[0.025])]
    """Learning rate of the first epoch."""
    final_learning_rate: Annotated[float, Field(ge=0, le=10, examples=[0.001])]
    """Learning rate that a cosine schedule reaches after the last epoch."""
    momentum: Annotated[float, Field(ge=0, lt=1, examples=[0.9])]
    """Momentum of SGD."""
    weight_decay: WeightDecay
    """L2 penalty on all network weights."""
    clip: Clip | None
    """Largest norm of the gradient of all weights together; null for no limit."""


class AlphasOptimizer(Settings):
    """Adam of the alphas, at a constant rate."""

    learning_rate: Annotated[float, Field(gt=0, le=10, examples=[0.0006])]
    """Learning rate of every epoch."""
    betas: tuple[
        Annotated[float, Field(ge=0, lt=1, examples=[0.5])], Annotated[float, Field(ge=0, lt=1, examples=[0.999])]
    ]
    """Decay of Adam's first and second moments."""
    weight_decay: WeightDecay
    """L2 penalty on the alphas."""
    clip: Clip | None
    """Largest norm of the gradient of all alphas together; null for no limit."""


def check_schedule(schedule: str, warmup_epochs: int, epochs: int, rates: WeightsOptimizer) -> None:
    """Refuse a warm-up longer than all epochs, fewer epochs than the schedule needs, and a cosine that would rise."""
    if warmup_epochs > epochs:
        raise ValueError(f"warmup_epochs is {warmup_epochs}, but epochs is {epochs}")
    if schedule == "linear" and epochs <= LINEAR_TAIL:
        raise ValueError(
            f"epochs is {epochs}, but the linear schedule has a tail of {LINEAR_TAIL}; allowed: from "
            f"{LINEAR_TAIL + 1}, or schedule: cosine"
        )
    if schedule == "cosine" and rates.final_learning_rate > rates.learning_rate:
        raise ValueError(
            f"final_learning_rate is {rates.final_learning_rate:g}; allowed with schedule cosine: up to learning_rate, "
            f"which is {rates.learning_rate:g}"
        )


def check_shares(batch_size: int, processes: int) -> None:
    """Refuse a batch that its processes cannot share equally."""
    if batch_size % processes:
        raise ValueError(f"batch_size is {batch_size}; allowed: multiples of processes, which is {processes}")
