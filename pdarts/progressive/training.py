"""The supernet and the optimizers of a stage, and their updates."""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from pdarts.engine.graphs import Graphs, recorder
from pdarts.engine.replays import changed_by
from pdarts.engine.schedules import learning_rate, rate_tensor
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
            capturable=True,
        )
        self._learning_rate = rate_tensor(device)
        dropout = torch.zeros((), dtype=torch.float64, device=device) if stage.skip_dropout else None
        epoch = torch.zeros((), dtype=torch.float64, device=device)
        self.point = Point(self.supernet, self.alphas_optimizer, self.weights_optimizer, epoch, dropout)
        record = recorder(device, machine)
        changed, method = partial(changed_by, self.parts()), self.method
        self._update_alphas = Graphs("alphas' update", self._of_alphas, record, changed, method)
        self._update_weights = Graphs("weights' update", self._of_weights, record, changed, method)
        self.logits = Graphs("scoring", self._logits, record)
        """The function from images to the supernet's logits, in evaluation mode and without gradients."""

    def parts(self) -> dict[str, Supernet | torch.optim.Optimizer]:
        """All that has a state to save, by name."""
        return {"supernet": self.supernet, "weights": self.weights_optimizer, "alphas": self.alphas_optimizer}

    def begin_epoch(self, epoch: int) -> None:
        """Set all numbers that differ from epoch to epoch; the epochs count from 0."""
        self._learning_rate.fill_(learning_rate(self.stage, epoch))
        for group in self.weights_optimizer.param_groups:
            group["lr"] = self._learning_rate
        self.point.epoch.fill_(epoch)
        if self.point.skip_dropout is not None:
            self.point.skip_dropout.fill_(skip_dropout(self.stage, epoch))

    def update(self, batch: Batch, alphas_batch: Batch | None) -> tuple[Outcome, Outcome | None]:
        """Update the alphas, unless they are frozen, then the network weights.

        Args:
            batch: images that train network weights.
            alphas_batch: images that train alphas; None while alphas are frozen.

        Returns:
            The outcomes of the weights and of the alphas; None if alphas are frozen.
        """
        of_alphas = None if alphas_batch is None else self._update_alphas(*alphas_batch, *batch)
        return self._update_weights(*batch), of_alphas

    def _of_alphas(self, images: Tensor, labels: Tensor, train_images: Tensor, train_labels: Tensor) -> Outcome:
        return self.method.update_alphas(self.point, (images, labels), (train_images, train_labels))

    def _of_weights(self, images: Tensor, labels: Tensor) -> Outcome:
        return self.method.update_weights(self.point, (images, labels))

    def _logits(self, images: Tensor) -> Tensor:
        weights = self.method.weights(self.supernet.architecture_parameters, self.point.epoch)
        return self.supernet(images, weights)

    def outcome(self, supernet: Supernet, images: Tensor, labels: Tensor) -> Outcome:
        """Compute cross-entropy and logits of the supernet, or of a copy, with their graph."""
        weights = self.method.weights(supernet.architecture_parameters, self.point.epoch)
        logits = supernet(images, weights, self.point.skip_dropout)
        return F.cross_entropy(logits, labels), logits
