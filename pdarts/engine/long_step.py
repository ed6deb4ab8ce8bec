"""The frame of a step that trains for long: a stage of a search, or a training.

Both begin alike, with arguments, device, processes and batches; both can be killed and continued; and both say in their
results how many epochs ran, for how long, and on which device.
"""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pdarts.checking import parse_argument
from pdarts.data.batching import Batching
from pdarts.data.manifest import AnyManifest
from pdarts.engine import device, distributed, step
from pdarts.engine.invocation import Invocation
from pdarts.engine.journal import Journal
from pdarts.engine.progress import Progress
from pdarts.engine.provenance import content_digest
from pdarts.engine.resume_file import ResumeFile
from pdarts.engine.run import Run
from pdarts.errors import InputError
from pdarts.settings.base import Settings
from pdarts.settings.images import check_images
from pdarts.settings.machine import Machine
from pdarts.settings.recipes import Recipe
from pdarts.settings.searches import StageSettings

PAUSE = 1.0
"""Seconds after which a step that waits for another one looks again."""


def add_arguments(parser: ArgumentParser, experiment: str, *models: type[Settings]) -> None:
    """Add the options that both steps have, apart from `--seed` and `--output`, whose meanings differ.

    Args:
        parser: the step's.
        experiment: `search` or `training`, for `--help`.
        models: kinds of settings, of which the step takes one.
    """
    parser.add_argument("--data", required=True, type=Path, metavar="MANIFEST.json", help="manifest by pdarts.prepare")
    step.add_settings(parser, *models)
    parser.add_argument("--metrics", required=True, type=Path, metavar="METRICS.jsonl", help="a line an epoch")
    step.add_experiment(parser, f"name of the {experiment}, for progress and W&B")


class LongStep:
    """A call of such a step; when it is made, the step's processes meet and each takes its device.

    Args:
        name: `search` or `train`.
        arguments: the parsed options.
        settings: of the stage or the training.
        method: method of the search; None for a training.
    """

    def __init__(
        self, name: str, arguments: Namespace, settings: StageSettings | Recipe, method: str | None = None
    ) -> None:
        self.arguments, self.settings = arguments, settings
        self.machine = parse_argument(Machine, arguments.machine, "--machine")
        self.invocation = Invocation(name, arguments, method)
        self.device = device.set_up(self.machine)
        distributed.start(settings.processes, self.device)

    def claim(self, inputs: Mapping[str, Any], read: Mapping[str, Path | None]) -> None:
        """Find the resume file, and wait for another process that computes the same output.

        Args:
            inputs: all that the result depends on besides settings, seed and code, as plain values.
            read: text files that were read, by option; None if one was left out.

        Raises:
            InputError: if the same work has failed before and would fail again.
        """
        call, settings = self.invocation, self.settings.model_dump(mode="json")
        identity = {"step": call.step, "seed": call.seed, "settings": settings, **inputs, "code": call.code["code"]}
        self.read = {path: content_digest(path) for path in read.values() if path is not None}
        self.inputs = read
        self.resume_file = ResumeFile(self.arguments.output, identity, self.machine.resume_other_code)
        claimed = self._claimed()
        if not claimed and distributed.rank() == 0:
            print(f"{self.arguments.output}: waiting for another process that computes it", file=sys.stderr, flush=True)
        while not claimed:
            time.sleep(PAUSE)
            claimed = self._claimed()
        self.resume_file.refuse_failed()

    def _claimed(self) -> bool:
        """Whether process 0 could claim the output; all learn the same, so that none runs ahead of it."""
        return distributed.from_first(distributed.rank() == 0 and self.resume_file.claim())

    def batching(self, dataset: AnyManifest) -> Batching:
        """How batches of a dataset's training images are made, of which each process takes its share.

        Raises:
            InputError: if its images are too few, or too small, for these settings.
        """
        settings, share = self.settings, distributed.share()
        check_images(settings, dataset.image_size, dataset.splits.train.per_class.values())
        return Batching(settings.batch_size, settings.augmentation, self.device, share)

    def run(self, seed: int, iterations: int, part: str = "") -> Run:
        """Open the journal of what was claimed.

        Args:
            seed: every epoch seeds torch from it.
            iterations: iterations of an epoch.
            part: what of the experiment this is, such as `stage 1`.
        """
        call, settings = self.invocation, self.settings.model_dump(mode="json")
        progress = Progress(f"{call.step} {call.name(part)}", self.settings.epochs, iterations)
        journal = Journal(self.arguments.metrics, call.tracker(self.machine.wandb, part, settings), progress)
        return Run(seed, self.device, journal, self.resume_file)

    def record(self, run: Run) -> dict[str, Any]:
        """The last keys of the result: `epochs_run`, `seconds`, `provenance`; times with those of earlier processes.

        Args:
            run: the course of the step, which has ended.

        Raises:
            InputError: if a file that was read has changed since. Snakemake would take the result for one of what it
                holds now.
        """
        for path, digest in self.read.items():
            if content_digest(path) != digest:
                raise InputError(
                    f"{path} has changed since this step began, so the result is not that of the file as it is now; "
                    f"run the same command again, or restore the file: {run.resume_file.path} keeps what was computed"
                )
        provenance = self.invocation.provenance(self.device, self.inputs)
        provenance |= {"resumed": run.resumed, "resume_file": run.resume_file.path.name, "kernels": run.kernels}
        provenance["steps_per_gpu"] = device.steps_sharing(self.device, self.machine)
        provenance["cpu_seconds"] = round(provenance["cpu_seconds"] + run.earlier_cpu_seconds, 3)
        seconds = round(provenance["seconds"] + run.earlier_seconds, 3)
        return {"epochs_run": run.epochs_run, "seconds": seconds, "provenance": provenance}
