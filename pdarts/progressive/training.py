"""The networks and optimizers of a stage, and their updates."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from pdarts.engine.schedules import learning_rate
from pdarts.nets.execution import move_to_device
from pdarts.nets.supernet import Supernet
from pdarts.progressive.bilevel import Batch, Outcome, Point
from pdarts.progressive.method import method_of
from pdarts.progressive.schedule import skip_dropout
from pdarts.settings.machine import Machine
from pdarts.settings.searches import StageSettings
from pdarts.space.candidates import Candidates


class StageTraining:
    """A fresh supernet with its architecture parameters, and the optimizers of both.

    Args:
        stage: settings of the stage.
        candidates: operations considered, per kind of cell.
        classes: number of classes.
        device: the device that computes.
        machine: how the supernet is computed on it.
    """

    def __init__(
        self,
        stage: StageSettings,
        candidates: Mapping[str, Candidates],
        classes: int,
        device: torch.device,
        machine: Machine,
    ) -> None:
        self.stage, self.method = stage, method_of(stage)
        edge, parameters = self.method.edge, self.method.parameters
        self.supernet = Supernet(stage.cells, stage.channels, classes, candidates, stage.stem, edge, parameters)
        move_to_device(self.supernet, device, stage.precision, machine)
        self.weights_optimizer = torch.optim.SGD(
            self.supernet.weights(),
            stage.weights.learning_rate,
            momentum=stage.weights.momentum,
            weight_decay=stage.weights.weight_decay,
            fused=True,
        )
        self.alphas_optimizer = torch.optim.Adam(
            self.supernet.alphas(),
            stage.alphas.learning_rate,
            stage.alphas.betas,
            weight_decay=stage.alphas.weight_decay,
            fused=True,
        )

    def parts(self) -> dict[str, Supernet | torch.optim.Optimizer]:
        """All that has a state to save, by name."""
        return {"supernet": self.supernet, "weights": self.weights_optimizer, "alphas": self.alphas_optimizer}

    def point(self, epoch: int) -> Point:
        """Set the learning rate of an epoch, counted from 0, and return the point that its updates begin from."""
        rate = learning_rate(self.stage, epoch)
        for group in self.weights_optimizer.param_groups:
            group["lr"] = rate
        dropout = skip_dropout(self.stage, epoch)
        return Point(self.supernet, self.alphas_optimizer, self.weights_optimizer, epoch, rate, dropout)

    def update(
        self, point: Point, batch: Batch, alphas_batches: Iterator[Batch]
    ) -> tuple[Outcome, tuple[Tensor, Tensor, Tensor] | None]:
        """Update the alphas, unless they are frozen, then the network weights.

        Args:
            point: the epoch's point.
            batch: images that train network weights.
            alphas_batches: images that train alphas; one batch of them is taken, or none while alphas are frozen.

        Returns:
            The outcome of the weights; and that of the alphas with the labels of their batch, or None.
        """
        of_alphas = None
        if point.epoch >= self.stage.frozen_epochs:
            alphas_batch = next(alphas_batches)
            of_alphas = *self.method.update_alphas(point, alphas_batch, batch), alphas_batch[1]
        return self.method.update_weights(point, batch), of_alphas

    def logits_of(self, epoch: int) -> Callable[[Tensor], Tensor]:
        """The function from images to the supernet's logits, in its present mode, without dropout."""
        weights = self.method.weights(self.supernet.architecture_parameters, epoch)
        return partial(self.supernet, weights=weights)
