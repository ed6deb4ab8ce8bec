"""Iterations of a training and of a test of the paper's cell, by the textbook and as steps run them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional as F

from benchmarks.baseline import steps as baseline_steps
from benchmarks.baseline.network import Network as BaselineNetwork
from benchmarks.setup import Setup, config, published
from pdarts.checking import parse
from pdarts.engine import testing
from pdarts.engine.graphs import Graphs, recorder
from pdarts.engine.loop import NetworkTraining
from pdarts.engine.schedules import drop_path_rate
from pdarts.nets.agreement import settle
from pdarts.nets.execution import move_to_device
from pdarts.nets.network import Network
from pdarts.settings.recipes import Recipe

Iteration = Callable[[], Any]
CLASSES, PIXELS = {"cifar": 10, "imagenet": 1000}, {"cifar": 32, "imagenet": 224}
LEARNING_RATE = 0.025
"""Small for every batch, since the same images are trained on again and again."""


@dataclass(frozen=True)
class Training:
    """An iteration of one of the paper's recipes."""

    recipe: str
    """`cifar` or `imagenet`."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Other values under some of the recipe's keys."""

    def settings(self, setup: Setup) -> Recipe:
        """The recipe's, for one process with its share of the batch; the textbook has no label smoothing."""
        values = config().recipes[self.recipe].model_dump(mode="json")
        values["optimizer"]["learning_rate"] = LEARNING_RATE
        share = {"batch_size": values["batch_size"] // values["processes"], "processes": 1, "label_smoothing": 0.0}
        changes = {**share, "precision": setup.precision, **setup.changes.get(self.recipe, {}), **self.changes}
        return parse(Recipe, values | changes, "benchmarks")

    def textbook(self, setup: Setup) -> Iteration:
        """The textbook's iteration."""
        recipe = self.settings(setup)
        network, batch = BaselineNetwork(*self.arguments(recipe)).to(setup.device), self.batch(setup, recipe.batch_size)
        sgd = torch.optim.SGD(
            network.parameters(),
            LEARNING_RATE,
            momentum=recipe.optimizer.momentum,
            weight_decay=recipe.optimizer.weight_decay,
        )
        drop_path = drop_path_rate(recipe, late(recipe))

        def iterate() -> None:
            with setup.textbook_precision():
                baseline_steps.train_step(network, batch, sgd, recipe.auxiliary_weight or 0.0, drop_path)

        return iterate

    def ours(self, setup: Setup) -> Iteration:
        """Our own."""
        training = self.settled(setup)
        batch = self.batch(setup, training.recipe.batch_size)
        return lambda: training.update(*batch)

    def training(self, setup: Setup) -> NetworkTraining:
        """What a step trains."""
        recipe = self.settings(setup)
        network = Network(*self.arguments(recipe))
        move_to_device(network, setup.device, recipe.precision, setup.machine)
        training = NetworkTraining(network, recipe, setup.device, setup.machine)
        training.begin_epoch(late(recipe))
        return training

    def settled(self, setup: Setup) -> NetworkTraining:
        """The same, with the kernels that a step settles for."""
        training = self.training(setup)
        settle(training.network, training.outcome, setup.device, lambda: self.batch(setup, training.recipe.batch_size))
        return training

    def arguments(self, recipe: Recipe) -> Any:
        """Of both networks."""
        classes = CLASSES[self.recipe]
        return published(), recipe.stem, recipe.cells, recipe.channels, classes, recipe.auxiliary_weight is not None

    def batch(self, setup: Setup, size: int) -> Any:
        return setup.batch(size, CLASSES[self.recipe], PIXELS[self.recipe])


def late(recipe: Recipe) -> int:
    """An epoch at which drop path has two thirds of its last rate."""
    return 2 * recipe.epochs // 3


@dataclass(frozen=True)
class Testing(Training):
    """A batch of test images."""

    def textbook(self, setup: Setup) -> Iteration:
        """The textbook's forward pass."""
        images, network = self.images(setup), BaselineNetwork(*self.arguments(self.settings(setup))).to(setup.device)
        network.eval()

        def forward() -> None:
            with setup.textbook_precision(), torch.no_grad():
                network(images)

        return forward

    def ours(self, setup: Setup) -> Iteration:
        """Our own."""
        images, network = self.images(setup), Network(*self.arguments(self.settings(setup))).eval()
        move_to_device(network, setup.device, setup.precision, setup.machine)
        settle(network, self.outcome, setup.device, lambda: self.batch(setup, len(images)))
        logits_of = Graphs("test", lambda x: network(x)[0], recorder(setup.device, setup.machine))

        def forward() -> None:
            with torch.no_grad():
                logits_of(images)

        return forward

    def images(self, setup: Setup) -> torch.Tensor:
        return self.batch(setup, setup.tested.get(self.recipe, testing.BATCH_SIZE))[0]

    @staticmethod
    def outcome(network: Any, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, _ = network(images)
        return F.cross_entropy(logits, labels), logits
