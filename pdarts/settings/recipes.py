"""How evaluation networks are built and trained."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pdarts.settings.augmentation import AnyAugmentation
from pdarts.settings.base import (
    BatchSize,
    Cells,
    Channels,
    Epochs,
    FirstEpochs,
    LossWeight,
    Portion,
    Processes,
    Settings,
)
from pdarts.settings.optimization import Precision, Schedule, WeightsOptimizer, check_schedule, check_shares

AUXILIARY_SIZES = {"cifar": 32, "imagenet": 224}
"""Image size in pixels that the auxiliary head needs, by stem."""
DIVISORS = {"cifar": 4, "imagenet": 32}
"""Number of which the image size must be a multiple, by stem: stem and reduction cells cannot halve odd sizes."""


class Recipe(Settings):
    """How an evaluation network is built and trained."""

    train_portion: Portion
    """Portion of the training images to train on, from the first on. Below 1, a test scores the others instead."""
    stem: Literal["cifar", "imagenet"]
    """First layers: `cifar` keeps the image size, `imagenet` divides it by 8."""
    cells: Cells
    """Depth of the network."""
    channels: Channels
    """Initial channels; even, since a factorized reduction halves them."""
    auxiliary_weight: LossWeight | None
    """Loss weight of the auxiliary head; null builds none. It needs 32-pixel (cifar) or 224-pixel (imagenet) images."""
    drop_path: Annotated[float, Field(ge=0, lt=1, examples=[0.3])]
    """Drop path rate that the last epoch approaches; it rises linearly from 0."""
    epochs: Epochs
    """Epochs of training."""
    batch_size: BatchSize
    """Images in a batch of all processes together."""
    processes: Processes
    """Processes, each with a GPU of its own, that share every batch; BatchNorm sees one process's share."""
    precision: Precision
    """Type of feature maps and convolutions in training; weights, statistics, loss and optimizers are float32."""
    optimizer: WeightsOptimizer
    """How weights are trained."""
    schedule: Schedule
    """Course of the learning rate; `linear` is the paper's on ImageNet, with a slower slope in the last 5 epochs."""
    warmup_epochs: FirstEpochs
    """First epochs, in which the learning rate rises to its scheduled value."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1, examples=[0.1])]
    """Fraction of the target that is spread over all classes, in the training loss only."""
    augmentation: AnyAugmentation
    """Random changes of the training images."""

    def _check_auxiliary_head(self) -> None:
        if self.cells < 2:
            raise ValueError(
                f"cells is {self.cells}, but the auxiliary head follows the second of two reduction cells; allowed: "
                "from 2, or auxiliary_weight: null"
            )
        if self.batch_size < 2 * self.processes:
            raise ValueError(
                f"batch_size is {self.batch_size}, but BatchNorm in the auxiliary head needs 2 images of each process; "
                f"allowed: from {2 * self.processes}, or auxiliary_weight: null"
            )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_shares(self.batch_size, self.processes)
        check_schedule(self.schedule, self.warmup_epochs, self.epochs, self.optimizer)
        if self.auxiliary_weight is not None:
            self._check_auxiliary_head()
        return self
