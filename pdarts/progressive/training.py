"""What a stage trains, and the steps that its loop takes."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from pdarts.engine.schedules import search_learning_rate
from pdarts.nets.execution import place
from pdarts.nets.supernet import Supernet
from pdarts.progressive.bilevel import Batch, Outcome, Point
from pdarts.progressive.method import method_of
from pdarts.progressive.schedule import skip_dropout
from pdarts.settings.machine import Machine
from pdarts.settings.searches import StageSettings
from pdarts.space.candidates import Candidates


class StageTraining:
    """What a stage trains: a fresh supernet with its architecture parameters, and an optimizer of each.

    Args:
        stage: how.
        candidates: operations considered, per kind of cell.
        classes: number of classes.
        device: where to compute.
        machine: what else is set about that.
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
        place(self.supernet, device, stage.precision, machine)
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

    def point(self, epoch: int) -> Point:
        """The point at which the steps of an epoch, counted from 0, are taken; sets its learning rate."""
        rate = search_learning_rate(self.stage, epoch)
        for group in self.weights_optimizer.param_groups:
            group["lr"] = rate
        dropout = skip_dropout(self.stage, epoch)
        return Point(self.supernet, self.alphas_optimizer, self.weights_optimizer, epoch, rate, dropout)

    def step(
        self, point: Point, batch: Batch, alphas_batches: Iterator[Batch]
    ) -> tuple[Outcome, tuple[Tensor, Tensor, Tensor] | None]:
        """A step of the alphas, unless they are frozen, then one of the network weights.

        Args:
            point: of the epoch.
            batch: images that train network weights.
            alphas_batches: images that train alphas; one batch of them is taken, or none while alphas are frozen.

        Returns:
            The weights' outcome; and that of the alphas with the labels of their batch, or None.
        """
        of_alphas = None
        if point.epoch >= self.stage.frozen_epochs:
            alphas_batch = next(alphas_batches)
            of_alphas = *self.method.alphas_step(point, alphas_batch, batch), alphas_batch[1]
        return self.method.weights_step(point, batch), of_alphas

    def logits_of(self, epoch: int) -> Callable[[Tensor], Tensor]:
        """What the supernet makes of images, in its present mode, without dropout."""
        weights = self.method.weights(self.supernet.architecture_parameters, epoch)
        return partial(self.supernet, weights=weights)
