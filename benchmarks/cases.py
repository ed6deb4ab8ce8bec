"""Pieces of work that both formulations do: a pair of functions each, on the same images, with the same settings."""

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from benchmarks.baseline import images as baseline_images
from benchmarks.baseline import steps as baseline_steps
from benchmarks.baseline.network import Network as BaselineNetwork
from benchmarks.baseline.supernet import Supernet as BaselineSupernet
from pdarts.data.batching import Batching
from pdarts.data.loaders import Loader
from pdarts.data.split import Split
from pdarts.engine.journal import Journal
from pdarts.engine.progress import Progress
from pdarts.engine.resume_file import ResumeFile
from pdarts.engine.run import Run
from pdarts.engine.tracking import Tracker
from pdarts.nets.execution import move_to_device
from pdarts.nets.network import Network
from pdarts.progressive.stage import search_stage
from pdarts.progressive.training import StageTraining
from pdarts.settings.augmentation import Augmentation
from pdarts.settings.config import parse_config
from pdarts.settings.machine import Machine, Wandb
from pdarts.settings.searches import StageSettings, parse_stage
from pdarts.space.candidates import Candidates
from pdarts.space.genotype import Genotype
from pdarts.space.operations import CANDIDATES
from pdarts.space.topology import KINDS
from pdarts.tools.cost.timing import mixed_candidates

Iteration = Callable[[], Any]
Batch = tuple[Tensor, Tensor]
CELLS, OPERATIONS = (5, 11, 17), (8, 5, 3)
"""Of the paper's three stages."""
SKIP_DROPOUT = (0.0, 0.4, 0.7)
MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)


@dataclass(frozen=True)
class Case:
    """Work to compare."""

    name: str
    floor: float
    """Ratio below which something is lost."""
    target: float
    make: Callable[[], tuple[Iteration, Iteration]]
    """The baseline's work and ours, each a function that does it once."""
    iteration: bool = True
    """Whether it is one iteration, whose launches can be counted."""


def stage_candidates(stage: int) -> Mapping[str, Candidates]:
    """Candidates of a stage, from 1; which of them a search keeps is not known beforehand, so every one alike."""
    return dict.fromkeys(KINDS, mixed_candidates(CANDIDATES, OPERATIONS[stage - 1]))


def batch(size: int, classes: int = 10, pixels: int = 32) -> Batch:
    return torch.randn(size, 3, pixels, pixels), torch.randint(classes, (size,))


def published() -> Genotype:
    """The paper's cell."""
    path = Path(__file__).parents[1] / "pdarts" / "genotypes" / "PDARTS.json"
    return Genotype.parse(json.loads(path.read_text()), str(path))


def placed(network: Any) -> Any:
    """Our evaluation network, moved to the default device."""
    move_to_device(network, torch.get_default_device(), "float32", Machine())
    return network


def settings(stage: int, **changes: Any) -> StageSettings:
    """Of one of the paper's stages, with other values under some keys."""
    path = Path(__file__).parents[1] / "config.yaml"
    config = parse_config(yaml.safe_load(path.read_text()))
    values = config.searches["pdarts-cifar10"].stage_settings(stage).model_dump(mode="json")
    return parse_stage(values | changes, "benchmarks")


def trained(stage: int, candidates: Mapping[str, Candidates], machine: Machine | None = None, **changes: Any) -> Any:
    """Our supernet and its optimizers, moved to the default device as a stage of a search does it."""
    return StageTraining(settings(stage, **changes), candidates, 10, torch.get_default_device(), machine or Machine())


def optimizers(supernet: Any) -> tuple[torch.optim.Adam, torch.optim.SGD]:
    """The textbook's, with the paper's rates."""
    adam = torch.optim.Adam(supernet.alphas(), 0.0006, betas=(0.5, 0.999), weight_decay=0.001)
    return adam, torch.optim.SGD(supernet.weights(), 0.025, momentum=0.9, weight_decay=0.0003)


def search(
    stage: int, joint: bool, batch_size: int = 16, channels: int = 16, cells: int | None = None, share: int = 1
) -> tuple[Iteration, Iteration]:
    """A weights iteration, if `joint` behind one of the alphas."""
    cells, candidates = cells or CELLS[stage - 1], stage_candidates(stage)
    theirs = BaselineSupernet(cells, channels, 10, candidates, share)
    method = {"method": "pc_darts", "partial_channels": share} if share > 1 else {}
    ours = trained(stage, candidates, cells=cells, channels=channels, **method)
    valid, train, dropout = batch(batch_size), batch(batch_size), SKIP_DROPOUT[stage - 1]
    adam, sgd = optimizers(theirs)

    def baseline() -> None:
        if joint:
            baseline_steps.search_step(theirs, valid, adam, 5, dropout)
        baseline_steps.search_step(theirs, train, sgd, 5, dropout)

    return baseline, search_iteration(ours, joint, valid, train, dropout)


def search_iteration(ours: StageTraining, joint: bool, valid: Batch, train: Batch, dropout: float) -> Iteration:
    """Our own iteration."""
    ours.begin_epoch(0)
    if ours.point.skip_dropout is not None:
        ours.point.skip_dropout.fill_(dropout)

    def project() -> None:
        ours.update(train, valid if joint else None)

    return project


def recomputation(stage: int) -> tuple[Iteration, Iteration]:
    """A joint iteration of ours without and with recomputed cells."""
    candidates = stage_candidates(stage)
    ours, other = (trained(stage, candidates, Machine(recompute=recomputed)) for recomputed in (False, True))
    images, dropout = (batch(16), batch(16)), SKIP_DROPOUT[stage - 1]
    return search_iteration(ours, True, *images, dropout), search_iteration(other, True, *images, dropout)


def second_order(batch_size: int = 16) -> tuple[Iteration, Iteration]:
    """DARTS: 8 cells and all operations."""
    candidates = stage_candidates(1)
    theirs = BaselineSupernet(8, 16, 10, candidates, 1)
    unclipped = settings(1).alphas.model_dump(mode="json") | {"clip": None}
    ours = trained(1, candidates, cells=8, method="second_order", alphas=unclipped)
    valid, train, their_optimizers = batch(batch_size), batch(batch_size), optimizers(theirs)
    ours.begin_epoch(0)
    return (
        lambda: baseline_steps.second_order_step(theirs, valid, train, *their_optimizers),
        lambda: ours.method.update_alphas(ours.point, valid, train),
    )


def training(
    stem: str, channels: int, cells: int, batch_size: int, pixels: int, classes: int
) -> tuple[Iteration, Iteration]:
    """An iteration of an evaluation network with auxiliary head and drop path."""
    arguments = (published(), stem, cells, channels, classes, True)
    theirs, ours = BaselineNetwork(*arguments), placed(Network(*arguments))
    images, labels = batch(batch_size, classes, pixels)
    rate = torch.tensor(0.2, dtype=torch.float64)
    sgd = [
        torch.optim.SGD(network.parameters(), 0.025, momentum=0.9, weight_decay=0.0003, fused=network is ours)
        for network in (theirs, ours)
    ]

    def project() -> None:
        logits, auxiliary_logits = ours(images, drop_path=rate)
        loss = F.cross_entropy(logits, labels) + 0.4 * F.cross_entropy(auxiliary_logits, labels)
        sgd[1].zero_grad()
        loss.backward()
        clip_grad_norm_(ours.parameters(), 5)
        sgd[1].step()

    return lambda: baseline_steps.train_step(theirs, (images, labels), sgd[0], 0.4, 0.2), project


def testing(
    stem: str, channels: int, cells: int, batch_size: int, pixels: int, classes: int
) -> tuple[Iteration, Iteration]:
    """A batch of test images."""
    arguments = (published(), stem, cells, channels, classes, True)
    images, _ = batch(batch_size, classes, pixels)

    def forward(network: Any) -> None:
        with torch.no_grad():
            network(images)

    theirs, ours = BaselineNetwork(*arguments), placed(Network(*arguments))
    return partial(forward, theirs.eval()), partial(forward, ours.eval())


def input_images(number: int = 2048) -> tuple[Iteration, Iteration]:
    """A pass over images of CIFAR's size, with crops, flips and cutout."""
    images, labels = torch.randint(256, (number, 3, 32, 32), dtype=torch.uint8), torch.randint(10, (number,))
    theirs = baseline_images.loader(images, labels, 128, MEAN, STD, cutout=16)
    augmentation = Augmentation(crop_padding=4, flip=True, cutout=16)
    ours = Loader(Split(images, labels), Batching(128, augmentation, torch.device("cpu")), MEAN, STD)

    def passes(batches: Any) -> None:
        for _ in batches():
            pass

    return partial(passes, lambda: theirs), partial(passes, lambda: ours.shuffled(0))


def whole_search(images: int = 256) -> tuple[Iteration, Iteration]:
    """A small stage from its images to its last checkpoint, scored epochs included."""
    stage = settings(1, cells=5, channels=8, batch_size=16, epochs=4, frozen_epochs=1, scored_epochs=2)
    halves = [
        (torch.randint(256, (images, 3, 32, 32), dtype=torch.uint8), torch.randint(10, (images,))) for _ in range(2)
    ]
    return partial(baseline_search, stage, halves), partial(project_search, stage, halves)


def baseline_search(stage: StageSettings, halves: list[Batch]) -> None:
    supernet = BaselineSupernet(stage.cells, stage.channels, 10, stage_candidates(1), 1)
    adam, sgd = optimizers(supernet)
    train, valid = (baseline_images.loader(*half, stage.batch_size, MEAN, STD) for half in halves)
    scored = baseline_images.loader(*halves[1], stage.batch_size, MEAN, STD, shuffled=False)
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(stage.epochs):
            valid_batches = iter(valid)
            supernet.train()
            for train_batch in train:
                if epoch >= stage.frozen_epochs:
                    baseline_steps.search_step(supernet, next(valid_batches), adam, stage.alphas.clip)
                baseline_steps.search_step(supernet, train_batch, sgd, stage.weights.clip)
            if epoch >= stage.epochs - stage.scored_epochs:
                supernet.eval()
                with torch.no_grad():
                    sum((supernet(images).argmax(1) == labels).sum().item() for images, labels in scored)
            states = [part.state_dict() for part in (supernet, adam, sgd)]
            torch.save(states, Path(folder) / "checkpoint.pt")


def project_search(stage: StageSettings, halves: list[Batch]) -> None:
    where = torch.device("cpu")
    augmentation = Augmentation(crop_padding=4, flip=True, cutout=0)
    loaders = [Loader(Split(*half), Batching(stage.batch_size, augmentation, where), MEAN, STD) for half in halves]
    with tempfile.TemporaryDirectory() as folder:
        tracker = Tracker(Wandb(mode="disabled"), "search", "benchmark", "benchmark", {})
        journal = Journal(Path(folder) / "metrics.jsonl", tracker, Progress("search", stage.epochs, len(loaders[0])))
        run = Run(0, where, journal, ResumeFile(Path(folder) / "stage.json", {}, other_code=False))
        search_stage(stage, stage_candidates(1), (loaders[0], loaders[1]), 10, Machine(), run)
