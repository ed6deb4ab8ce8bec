"""Passes over images, and a whole small search with its data and resume files, by the textbook and as steps do it."""

import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.baseline import images as baseline_images
from benchmarks.baseline import steps as baseline_steps
from benchmarks.baseline.supernet import Supernet as BaselineSupernet
from benchmarks.searches import CLASSES, Iteration, Search, candidates, optimizers
from benchmarks.setup import Batch, Setup
from pdarts.data.batches import batches_of
from pdarts.data.batching import Batching
from pdarts.data.folder import describe
from pdarts.data.formats import write_image_folder
from pdarts.data.loaders import Loader
from pdarts.data.split import Split
from pdarts.engine.journal import Journal
from pdarts.engine.progress import Progress
from pdarts.engine.resume_file import ResumeFile
from pdarts.engine.run import Run
from pdarts.engine.tracking import Tracker
from pdarts.progressive.stage import search_stage
from pdarts.settings.augmentation import AnyAugmentation, Augmentation, StreamedAugmentation
from pdarts.settings.datasets import ImageFolder
from pdarts.settings.machine import Machine, Wandb
from pdarts.settings.searches import StageSettings

IMAGES, BATCH_SIZE = 2048, 128
MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)


def baseline_input(setup: Setup, number: int = IMAGES) -> Iteration:
    """A pass of the textbook's over images of CIFAR's size, with crops, flips and cutout."""
    loader = baseline_images.loader(*raw_images(number), BATCH_SIZE, MEAN, STD, cutout=16)
    return lambda: exhaust(loader)


def project_input(setup: Setup, number: int = IMAGES) -> Iteration:
    """Our own pass, which puts batches together on the device."""
    augmentation = Augmentation(crop_padding=4, flip=True, cutout=16)
    loader = Loader(Split(*raw_images(number)), Batching(BATCH_SIZE, augmentation, setup.device), MEAN, STD)
    return lambda: exhaust(loader.shuffled(0))


def raw_images(number: int) -> Batch:
    return torch.randint(256, (number, 3, 32, 32), dtype=torch.uint8), torch.randint(10, (number,))


def decoded_input(setup: Setup, number: int = IMAGES) -> Iteration:
    """A pass over JPEG files of 32 x 32 pixels that two worker processes decode."""
    return _folder_input(
        setup, number, StreamedAugmentation(resized_crop=(0.5, 1.0), flip=True, color_jitter=(0.0,) * 4)
    )


def kept_input(setup: Setup, number: int = IMAGES) -> Iteration:
    """A pass over the same files, which were decoded before and lie in memory."""
    return _folder_input(setup, number, Augmentation(crop_padding=4, flip=True, cutout=16))


def _folder_input(setup: Setup, number: int, augmentation: AnyAugmentation) -> Iteration:
    folder = tempfile.TemporaryDirectory()
    train, val = ((raw_images(size)[0], torch.arange(size) % CLASSES) for size in (number, BATCH_SIZE))
    write_image_folder(Path(folder.name), train, val, "0123456789", [(32, 32)])
    dataset = ImageFolder(
        source="image_folder", folder="noise", image_size=32, in_memory=isinstance(augmentation, Augmentation),
        train_images=None, mean=MEAN, std=STD,
    )  # fmt: skip
    machine = Machine(workers=2, data_roots={"noise": folder.name})
    manifest = describe(dataset, Path(folder.name), machine.workers)
    loader = batches_of(manifest, "train", machine, Batching(BATCH_SIZE, augmentation, setup.device))

    def one_pass() -> None:
        assert folder  # which is deleted with this function
        exhaust(loader.shuffled(0))

    return one_pass


def exhaust(batches: Iterable[Any]) -> None:
    for _ in batches:
        pass


def small_stage() -> StageSettings:
    """The first stage at a small size, scored epochs included."""
    small = {"cells": 5, "channels": 8, "batch_size": 16, "epochs": 4, "frozen_epochs": 1, "scored_epochs": 2}
    return Search(changes=small).settings(Setup(torch.device("cpu")))


def halves() -> list[Batch]:
    return [raw_images(256) for _ in range(2)]


def baseline_whole_search(setup: Setup) -> Iteration:
    """A small stage of the textbook's on a CPU, from its images to its last checkpoint."""
    return partial(baseline_search, small_stage(), halves())


def project_whole_search(setup: Setup) -> Iteration:
    """Our own stage."""
    return partial(project_search, small_stage(), halves())


def baseline_search(stage: StageSettings, images: list[Batch]) -> None:
    supernet = BaselineSupernet(stage.cells, stage.channels, CLASSES, candidates(stage), 1)
    adam, sgd = optimizers(supernet, stage)
    train, valid = (baseline_images.loader(*half, stage.batch_size, MEAN, STD) for half in images)
    scored = baseline_images.loader(*images[1], stage.batch_size, MEAN, STD, shuffled=False)
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
                    sum((supernet(shown).argmax(1) == labels).sum().item() for shown, labels in scored)
            states = [part.state_dict() for part in (supernet, adam, sgd)]
            torch.save(states, Path(folder) / "checkpoint.pt")


def project_search(stage: StageSettings, images: list[Batch]) -> None:
    where = torch.device("cpu")
    augmentation = Augmentation(crop_padding=4, flip=True, cutout=0)
    loaders = [Loader(Split(*half), Batching(stage.batch_size, augmentation, where), MEAN, STD) for half in images]
    with tempfile.TemporaryDirectory() as folder:
        tracker = Tracker(Wandb(mode="disabled"), "search", "benchmark", "benchmark", {})
        journal = Journal(Path(folder) / "metrics.jsonl", tracker, Progress("search", stage.epochs, len(loaders[0])))
        run = Run(0, where, journal, ResumeFile(Path(folder) / "stage.json", {}, other_code=False))
        search_stage(stage, candidates(stage), (loaders[0], loaders[1]), CLASSES, Machine(), run)
