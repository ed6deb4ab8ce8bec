"""Iterations of a search, by the textbook and as a step runs them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks.baseline import steps as baseline_steps
from benchmarks.baseline.supernet import Supernet as BaselineSupernet
from benchmarks.setup import Batch, Setup, config
from pdarts.nets.agreement import settle
from pdarts.progressive.training import StageTraining
from pdarts.settings.searches import StageSettings, parse_stage
from pdarts.space.candidates import Candidates
from pdarts.space.topology import KINDS
from pdarts.tools.cost.timing import mixed_candidates

Iteration = Callable[[], Any]
CLASSES, PIXELS = 10, 32
TEXTBOOK = ("p_darts", "darts", "second_order", "pc_darts")
"""Methods that the textbook formulation has."""


@dataclass(frozen=True)
class Search:
    """An iteration of a stage of one of the presets."""

    preset: str = "pdarts-cifar10"
    stage: int = 1
    kind: str = "joint_step"
    """`joint_step`, `weights_step`, or the `evaluation` of a batch."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Other values under some of the stage's keys."""

    def settings(self, setup: Setup) -> StageSettings:
        """The preset's, for one process with its share of the batch."""
        values = config().searches[self.preset].stage_settings(self.stage).model_dump(mode="json")
        share = {"batch_size": values["batch_size"] // values["processes"], "processes": 1}
        changes = {**share, "precision": setup.precision, **setup.changes.get("search", {}), **self.changes}
        return parse_stage(values | changes, "benchmarks")

    def textbook(self, setup: Setup) -> Iteration:
        """The textbook's iteration."""
        stage = self.settings(setup)
        share = stage.model_dump().get("partial_channels", 1)
        supernet = BaselineSupernet(stage.cells, stage.channels, CLASSES, candidates(stage), share).to(setup.device)
        adam, sgd = optimizers(supernet, stage)
        train, valid = batches(setup, stage.batch_size)

        def iterate() -> None:
            with setup.textbook_precision():
                if self.kind == "joint_step" and stage.method == "second_order":
                    baseline_steps.second_order_step(supernet, valid, train, adam, sgd)
                elif self.kind == "joint_step":
                    baseline_steps.search_step(supernet, valid, adam, stage.alphas.clip, stage.skip_dropout)
                baseline_steps.search_step(supernet, train, sgd, stage.weights.clip, stage.skip_dropout)

        def evaluate() -> None:
            with setup.textbook_precision(), torch.no_grad():
                supernet(valid[0])

        if self.kind == "evaluation":
            supernet.eval()
            return evaluate
        return iterate

    def ours(self, setup: Setup) -> Iteration:
        """Our own, at the first epoch that updates alphas, when skip dropout has its full rate."""
        training = self.settled(setup)
        train, valid = batches(setup, training.stage.batch_size)

        def evaluate() -> None:
            with torch.no_grad():
                training.logits(valid[0])

        if self.kind == "evaluation":
            training.supernet.eval()
            return evaluate
        return lambda: training.update(train, valid if self.kind == "joint_step" else None)

    def training(self, setup: Setup) -> StageTraining:
        """What a step trains."""
        stage = self.settings(setup)
        training = StageTraining(stage, candidates(stage), CLASSES, setup.device, setup.machine)
        training.begin_epoch(stage.frozen_epochs)
        return training

    def settled(self, setup: Setup) -> StageTraining:
        """The same, with the kernels that a step settles for."""
        training = self.training(setup)
        settle(training.supernet, training.outcome, setup.device, lambda: batches(setup, training.stage.batch_size)[0])
        return training


def candidates(stage: StageSettings) -> Mapping[str, Candidates]:
    """Candidates of a stage; which of them a search keeps is not known beforehand, so every one alike."""
    return dict.fromkeys(KINDS, mixed_candidates(stage.candidates, stage.operations))


def batches(setup: Setup, size: int) -> tuple[Batch, Batch]:
    """Images that train weights, and images that train alphas."""
    both = setup.batch(2 * size, CLASSES, PIXELS)
    return (both[0][:size], both[1][:size]), (both[0][size:], both[1][size:])


def optimizers(supernet: BaselineSupernet, stage: StageSettings) -> tuple[torch.optim.Adam, torch.optim.SGD]:
    """The textbook's, with the stage's rates."""
    of_alphas, of_weights = stage.alphas, stage.weights
    adam = torch.optim.Adam(
        supernet.alphas(), of_alphas.learning_rate, betas=of_alphas.betas, weight_decay=of_alphas.weight_decay
    )
    sgd = torch.optim.SGD(
        supernet.weights(),
        of_weights.learning_rate,
        momentum=of_weights.momentum,
        weight_decay=of_weights.weight_decay,
    )
    return adam, sgd
