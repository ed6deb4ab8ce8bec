"""The training of evaluation networks."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pdarts.data.loaders import Batches
from pdarts.engine.graphs import Graphs, recorder
from pdarts.engine.metrics import Tally
from pdarts.engine.replays import changed_by
from pdarts.engine.run import Run
from pdarts.engine.schedules import drop_path_rate, learning_rate, rate_tensor
from pdarts.engine.seeds import derive_seed
from pdarts.engine.update import update
from pdarts.settings.machine import Machine
from pdarts.settings.recipes import Recipe


class NetworkTraining:
    """A network with its optimizer, and their updates.

    Args:
        network: `network(images, drop_path=rate)` computes logits, and auxiliary logits or None.
        recipe: optimizer, schedules and losses.
        device: the device of the network.
        machine: how it is computed there.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, device: torch.device, machine: Machine) -> None:
        self.network, self.recipe = network.train(), recipe
        self.optimizer = torch.optim.SGD(
            network.parameters(),
            recipe.optimizer.learning_rate,
            momentum=recipe.optimizer.momentum,
            weight_decay=recipe.optimizer.weight_decay,
            fused=True,
        )
        self._learning_rate = rate_tensor(device)
        self._drop_path = torch.zeros((), dtype=torch.float64, device=device) if recipe.drop_path else None
        changed = partial(changed_by, self.parts())
        self.update = Graphs("training's update", self._update, recorder(device, machine), changed)
        """The function from images and labels to loss and logits that updates the network."""

    def parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        """All that has a state to save, by name."""
        return {"network": self.network, "optimizer": self.optimizer}

    def begin_epoch(self, epoch: int) -> None:
        """Set all numbers that differ from epoch to epoch; the epochs count from 0."""
        self._learning_rate.fill_(learning_rate(self.recipe, epoch))
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate
        if self._drop_path is not None:
            self._drop_path.fill_(drop_path_rate(self.recipe, epoch))

    def outcome(self, network: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Compute loss and logits of the network, or of a copy, with their graph."""
        recipe = self.recipe
        logits, auxiliary_logits = network(images, drop_path=self._drop_path)
        loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
        if auxiliary_logits is not None and recipe.auxiliary_weight is not None:
            auxiliary_loss = F.cross_entropy(auxiliary_logits, labels, label_smoothing=recipe.label_smoothing)
            loss = loss + recipe.auxiliary_weight * auxiliary_loss
        return loss, logits

    def _update(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        parameters, forward = list(self.network.parameters()), partial(self.outcome, self.network, images, labels)
        return update(parameters, self.optimizer, self.recipe.optimizer.clip, labels, forward)


def fit(training: NetworkTraining, batches: Batches, run: Run) -> None:
    """Train a network in place; the weights after the last epoch are the result.

    Args:
        training: of the network.
        batches: passes over all training images; this process takes its share of each batch.
        run: counts epochs and iterations; network and images are on its device.
    """
    recipe, tally = training.recipe, Tally(run.device)
    run.begin(training.parts(), {"train": tally})
    for epoch in run.epochs(recipe.epochs):
        training.begin_epoch(epoch)
        images_seed = derive_seed(run.seed, "images", epoch)
        for images, labels in run.iterations(partial(batches.shuffled, images_seed)):
            loss, logits = training.update(images, labels)
            tally.add(loss, logits, labels)
            run.journal.iteration(epoch, run.iteration, loss)
        seen = tally.over_processes()
        metrics = {
            "train_loss": seen.loss,
            "train_accuracy": seen.top1,
            "learning_rate": learning_rate(recipe, epoch),
            "drop_path": drop_path_rate(recipe, epoch),
        }
        run.journal.epoch(epoch, {**metrics, "seconds": round(run.epoch_seconds, 3)})
