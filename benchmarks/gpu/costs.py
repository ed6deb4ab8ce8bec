"""What else a card is asked for: memory, time until it is at full speed, and images."""

import json
import math
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from benchmarks.gpu.check import Check, Row
from benchmarks.gpu.speed import WAYS
from benchmarks.inputs import BATCH_SIZE, project_input
from benchmarks.memory import most_memory
from benchmarks.run import release, seconds, warm
from benchmarks.searches import Iteration, Search
from benchmarks.setup import ROOT, Setup, config
from benchmarks.trainings import PIXELS, Training
from pdarts.settings.augmentation import StreamedAugmentation
from pdarts.tools.cost.decoding_time import time_decoding
from pdarts.tools.cost.stopwatch import Stopwatch

STEPS = 10
"""Iterations after which a search is at full speed."""


def memory(check: Check) -> Iterator[Row]:
    """Measure the peak memory of an iteration, each way alone on the card."""
    works = {"joint iteration, stage 3": Search(stage=3), "training, CIFAR": Training("cifar")}
    for name, work in works.items():
        for precision in ("float32", "bfloat16"):
            setup = check.setup(precision)
            row: Row = {
                "work": name,
                "precision": precision,
                "textbook (MiB)": peak(work.textbook, setup),
            }
            for way, machine in WAYS.items():
                row[f"{way} (MiB)"] = peak(work.ours, setup.with_machine(**machine))
            yield row | {"fraction of the textbook": row[f"{way} (MiB)"] / row["textbook (MiB)"]}


def peak(make: Callable[[Setup], Iteration], setup: Setup) -> float:
    """Memory in MiB that an iteration holds of a card after the first ones; on a CPU, of the process since it began."""
    release(setup.device)
    iteration = make(setup)
    warm(iteration, setup.device)
    if setup.device.type == "cpu":
        return most_memory() / 2**20
    release(setup.device)
    torch.cuda.reset_peak_memory_stats()
    iteration()
    return torch.cuda.max_memory_reserved() / 2**20


def starts(check: Check) -> Iterator[Row]:
    """Time new processes until the tenth iteration, with nothing compiled before and with what the first one left."""
    caches = {"TRITON_CACHE_DIR": str(check.folder / "triton"), "CUDA_CACHE_PATH": str(check.folder / "cuda")}
    for stage in (1,) if check.dry else (1, 3):
        for caching in ("empty", "as the first one left them"):
            command = [check.python, "-m", "benchmarks.gpu.start", json.dumps({"dry": check.dry, "stage": stage})]
            began = time.perf_counter()
            subprocess.run(command, cwd=ROOT, env={**os.environ, **caches}, check=True, capture_output=True)
            taken = time.perf_counter() - began
            yield {"search": f"stage {stage}", "caches": caching, f"to the end of iteration {STEPS} (s)": taken}


def images(check: Check) -> Iterator[Row]:
    """Compare images that the input yields with images that trainings take, both in a second."""
    for recipe in ("cifar", "imagenet"):
        yielded = in_memory(check) if recipe == "cifar" else decoded(check)
        for precision in ("float32", "bfloat16"):
            setup, work = check.setup(precision), Training(recipe)
            iteration = work.ours(setup)
            warm(iteration, setup.device)
            taken = statistics.median(seconds(iteration, setup.device) for _ in range(check.repeats))
            rate = work.settings(setup).batch_size / taken
            row: Row = {"training": recipe, "precision": precision, "input": yielded["input"]}
            row |= {"images yielded (1/s)": yielded["rate"], "images taken (1/s)": rate}
            workers = math.ceil(rate / yielded["rate"]) if recipe == "imagenet" else 0
            yield row | {"workers that this asks for": workers, "cores here": os.cpu_count()}


def in_memory(check: Check) -> dict[str, Any]:
    """Time the input of CIFAR, which the card itself puts together."""
    number, device = 256 if check.dry else 100 * BATCH_SIZE, check.setup().device
    iteration = project_input(check.setup(), number)
    iteration()
    taken = statistics.median(seconds(iteration, device) for _ in range(check.repeats))
    return {"input": "in memory", "rate": number / taken}


def decoded(check: Check) -> dict[str, Any]:
    """Time a worker that decodes photographs of ImageNet's size."""
    augmentation = config().recipes["imagenet"].augmentation
    assert isinstance(augmentation, StreamedAugmentation)
    watch = Stopwatch(torch.device("cpu"), limit=1 if check.dry else 10)
    timing = time_decoding(PIXELS["imagenet"], BATCH_SIZE, augmentation, 1, watch)
    return {"input": "decoding, one worker", "rate": BATCH_SIZE / timing["median"]}
