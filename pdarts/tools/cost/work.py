"""The work inside a job, as far as its cost depends on it: kinds, number and size of its iterations."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdarts.checking import parse
from pdarts.data.catalog import SOURCES
from pdarts.engine import testing
from pdarts.engine.files import read_json
from pdarts.errors import InputError
from pdarts.settings.augmentation import StreamedAugmentation
from pdarts.settings.datasets import Dataset
from pdarts.settings.images import portions
from pdarts.settings.recipes import Recipe
from pdarts.settings.searches import parse_stage
from pdarts.space import genotype_file
from pdarts.tools.workflow import Job

FREE = {
    "search": {
        "epochs", "frozen_epochs", "scored_epochs", "train_portion", "alphas_portion", "division", "weights", "alphas",
        "alphas_batches", "schedule", "warmup_epochs", "skip_dropout",
    },
    "train": {"train_portion", "epochs", "optimizer", "schedule", "warmup_epochs", "label_smoothing", "drop_path"},
}  # fmt: skip
"""Settings that do not change the cost of an iteration, though perhaps the number of iterations."""

STAND_IN = Path(__file__).parents[2] / "genotypes" / "PDARTS.json"
"""Genotype whose cost stands in for that of every genotype that a job makes, so that one calibration serves all."""


@dataclass(frozen=True)
class Size:
    """The properties of a dataset that decide about cost."""

    train: int
    """Training images."""
    test: int
    """Test images."""
    pixels: int
    """Height and width."""
    classes: int
    """Number of classes."""


@dataclass(frozen=True)
class Work:
    """The work of a search stage or a training."""

    step: str
    """`search` or `train`."""
    settings: Mapping[str, Any]
    """Settings in the form that the step takes."""
    size: Size
    """Size of its dataset."""
    genotype: Mapping[str, Any] | None
    """Genotype of a training."""
    extensions: tuple[str, ...] = ()
    """The user's files that it uses."""

    @property
    def unit(self) -> dict[str, Any]:
        """Everything that the cost of one iteration depends on; equal for all work whose iterations cost the same."""
        settings = {key: value for key, value in self.settings.items() if key not in FREE[self.step]}
        size = {"pixels": self.size.pixels, "classes": self.size.classes}
        return {"step": self.step, "settings": settings, **size, "genotype": self.genotype}

    @property
    def processes(self) -> int:
        """Number of processes that share every batch."""
        return int(self.settings["processes"])

    @property
    def key(self) -> str:
        """The `unit` as text, by which calibrations name it."""
        return json.dumps(self.unit, sort_keys=True)

    @property
    def decoding(self) -> dict[str, tuple[StreamedAugmentation | None, int]]:
        """Augmentation and images a process decodes of a batch, by kind of decoding that the loop waits for.

        It is empty for images in memory.
        """
        changes = self.settings["augmentation"]
        if "resized_crop" not in changes:
            return {}
        augmentation = parse(StreamedAugmentation, changes, "augmentation")
        batch_size = self.settings["batch_size"] // self.processes
        tested = testing.BATCH_SIZE if self.step == "train" else batch_size
        return {"decoding": (augmentation, batch_size), "evaluation_decoding": (None, tested)}

    @property
    def parts(self) -> tuple[int, int]:
        """Numbers of training images that train network weights, and that train alphas or are scored."""
        return portions(self.size.train, self.settings["train_portion"], self.settings.get("alphas_portion"))

    def images_bytes(self, step: str) -> int:
        """Bytes of the images that a process of this step or of the test keeps; 0 if it decodes files in each pass."""
        if self.decoding:
            return 0
        trained_on, others = self.parts
        images = {"search": trained_on + others, "train": trained_on, "test": others or self.size.test}[step]
        return 3 * self.size.pixels**2 * images

    def counts(self) -> dict[str, float]:
        """Count the iterations of the job by kind; those of `evaluation` have batches of their own size."""
        if self.step == "train":
            recipe = parse(Recipe, self.settings, "settings")
            return {"train_step": recipe.epochs * math.ceil(self.parts[0] / recipe.batch_size)}
        stage = parse_stage(self.settings, "settings")
        trained_on, scored_on = self.parts
        steps = math.ceil(trained_on / stage.batch_size)
        scored = min(stage.scored_epochs, stage.epochs)
        return {
            "weights_step": stage.frozen_epochs * steps,
            "joint_step": (stage.epochs - stage.frozen_epochs) * steps,
            "evaluation": scored * math.ceil(scored_on / stage.batch_size),
        }

    def test_counts(self) -> dict[str, float]:
        """Count the iterations of a training's test, like `counts`."""
        return {"evaluation": math.ceil((self.parts[1] or self.size.test) / testing.BATCH_SIZE)}


def work_of(job: Job, makers: Mapping[Path, Job]) -> Work | None:
    """Find the work of a search stage or training, and for a test that of its training; None for others.

    It is also None if it cannot be known: if a dataset without a manifest has no known size, or if weights come from
    elsewhere.
    """
    if job.step == "test":
        training = makers.get(job.path("weights")) if job.option("weights") else None
        return None if training is None else work_of(training, makers)
    if job.step not in FREE:
        return None
    size = size_of(job.path("data"), makers)
    if size is None:
        return None
    genotype = None
    if job.step == "train":
        path = job.path("genotype")
        genotype = genotype_file.read(path if path not in makers else STAND_IN).to_json()
    return Work(job.step, job.settings(), size, genotype, job.options.get("extensions", ()))


def size_of(manifest: Path, makers: Mapping[Path, Job]) -> Size | None:
    """Find the size of a dataset in its manifest, if there is one, else in its source; None if neither tells it."""
    if manifest.exists():
        found = read_json(manifest, "manifest", "pdarts.prepare")
        images = {name: split["images"] for name, split in found["splits"].items()}
        return Size(images["train"], images["test"], found["image_size"], len(found["classes"]))
    try:
        dataset = parse(Dataset, makers[manifest].settings(), str(manifest))
    except (KeyError, InputError):
        return None
    source = SOURCES[dataset.source]
    return Size(dataset.train_images or source.train_images, source.test_images, source.image_size, source.classes)
