"""Time single iterations of the real search and training loops, on synthetic images of the dataset's size.

Each unit of work is timed in a process of its own. Its peak memory is that of the process, and an iteration that never
ends, or does not fit into memory, ends only this process. Another one then times the kinds of iterations that are left.
"""

import multiprocessing
import resource
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pdarts import extensions
from pdarts.checking import parse
from pdarts.data.batching import Batching
from pdarts.data.loaders import Loader
from pdarts.data.split import Split
from pdarts.engine import testing
from pdarts.engine.device import set_up
from pdarts.engine.graphs import Graphs, recorder
from pdarts.engine.loop import NetworkTraining, fit
from pdarts.engine.memory import lack_of_memory
from pdarts.engine.metrics import evaluate
from pdarts.engine.provenance import now, provenance
from pdarts.engine.run import Run
from pdarts.nets import saved
from pdarts.nets.execution import move_to_device
from pdarts.nets.network import Network
from pdarts.progressive.stage import search_stage
from pdarts.progressive.training import StageTraining
from pdarts.settings.augmentation import Augmentation, StreamedAugmentation
from pdarts.settings.machine import Machine
from pdarts.settings.recipes import Recipe
from pdarts.settings.searches import parse_stage
from pdarts.space.candidates import Candidates
from pdarts.space.genotype import Genotype
from pdarts.space.topology import EDGES, KINDS
from pdarts.tools.cost.decoding_time import time_decoding
from pdarts.tools.cost.stopwatch import Enough, NoResumeFile, Stopwatch
from pdarts.tools.cost.work import Size, Work

MANY_EPOCHS = 1000
"""Number of epochs, of one iteration each; many, so that dropout and drop path are in use throughout."""
KINDS_OF_STEPS = {"search": ("evaluation", "weights_step", "joint_step"), "train": ("evaluation", "train_step")}
"""Kinds of iterations in the order in which they are timed, from little memory to much; decoding comes before them."""

Report = Callable[[str, Any], None]


def measure(work: Work, machine: Machine, limit: float, patience: float) -> dict[str, Any]:
    """Time the iterations of one unit of work.

    Args:
        work: the unit to time.
        machine: the device to time it on.
        limit: seconds after which no further iteration of a kind begins.
        patience: seconds after which a kind of iteration is given up if two of them have not ended.

    Returns:
        `unit`, `timings` by kind of iteration (seconds; `memory` is the peak in bytes), `weights_bytes` of a training,
        `not_measured` (reasons by kind of iteration) and `provenance`.
    """
    found: dict[str, Any] = {"unit": work.unit, "timings": {}, "not_measured": {}}
    waiting = [*work.decoding, *KINDS_OF_STEPS[work.step]]
    while waiting:
        reason = _measure(work, waiting, machine, limit, patience, found)
        if waiting:
            found["not_measured"][waiting.pop(0)] = reason
    return found


def _measure(
    work: Work, waiting: list[str], machine: Machine, limit: float, patience: float, found: dict[str, Any]
) -> str:
    """Time kinds of iterations in one process, and take them from `waiting`; return why the next one failed, if any."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sending, work, list(waiting), machine, limit))
    process.start()
    sending.close()
    try:
        while waiting and receiving.poll(patience):
            name, value = receiving.recv()
            if name == "failed":
                return str(value)
            if name in waiting:
                found["timings"][name] = value
                waiting.remove(name)
            else:
                found[name] = value
    except EOFError:
        return "its process was ended, most likely since memory ran out"
    finally:
        process.kill()
        process.join()
    return f"two iterations did not end within {patience:g} seconds"


def _child(sending: Connection, work: Work, kinds: list[str], machine: Machine, limit: float) -> None:
    """Send each timing as soon as it is known."""
    extensions.load(work.extensions)
    started, device = now(), set_up(machine)
    _leave_memory_for_others()
    time_steps = _time_search if work.step == "search" else _time_training
    try:
        sending.send(("provenance", provenance(device, started, step="tools.calibrate")))
        for kind in kinds:
            if kind in work.decoding:
                augmentation, batch_size = work.decoding[kind]
                timing = time_decoding(work.size.pixels, batch_size, augmentation, machine.workers, limit)
                sending.send((kind, timing))
        time_steps(work, kinds, device, machine, limit, lambda name, value: sending.send((name, value)))
    except (MemoryError, RuntimeError) as error:
        if (lacking := lack_of_memory(error)) is None:
            raise
        sending.send(("failed", f"memory ran out ({lacking})"))
    sending.close()


def _leave_memory_for_others() -> None:
    """Let this process fail rather than take more memory than is free now, if the system tells that (Linux)."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        (line,) = [line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable")]
        free = int(0.8 * 1024 * int(line.split()[1]))
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (free, hard))


def _time_search(
    work: Work, kinds: list[str], device: torch.device, machine: Machine, limit: float, report: Report
) -> None:
    stage = parse_stage(_of_one_process(work), "settings")
    candidates = dict.fromkeys(KINDS, mixed_candidates(stage.candidates, stage.operations))
    loaders = [_loader(work.size, stage.batch_size, stage.augmentation, device) for _ in range(2)]
    classes = work.size.classes
    if "evaluation" in kinds:
        training = StageTraining(stage, candidates, classes, device, machine)
        training.supernet.eval()
        report("evaluation", _time_evaluation(training.logits, loaders[1], device, limit))
    frozen_epochs = {"weights_step": MANY_EPOCHS, "joint_step": 0}
    for name, frozen in ((kind, frozen_epochs[kind]) for kind in kinds if kind in frozen_epochs):
        endless = stage.model_copy(update={"epochs": MANY_EPOCHS, "frozen_epochs": frozen, "scored_epochs": 0})
        watch = Stopwatch(device, limit)
        try:
            run = Run(0, device, watch, NoResumeFile())
            search_stage(endless, candidates, (loaders[0], loaders[1]), classes, machine, run)
        except Enough:
            report(name, watch.result())


def _time_training(
    work: Work, kinds: list[str], device: torch.device, machine: Machine, limit: float, report: Report
) -> None:
    recipe = parse(Recipe, _of_one_process(work), "settings")
    genotype = Genotype.parse(work.genotype, "genotype")
    auxiliary = recipe.auxiliary_weight is not None
    network = Network(genotype, recipe.stem, recipe.cells, recipe.channels, work.size.classes, auxiliary)
    move_to_device(network, device, recipe.precision, machine)
    report("weights_bytes", len(saved.dump(network.state_dict())))
    if "evaluation" in kinds:
        network.eval()
        test = _loader(work.size, testing.BATCH_SIZE, None, device)
        logits_of = Graphs("test", lambda images: network(images)[0], recorder(device, machine))
        report("evaluation", _time_evaluation(logits_of, test, device, limit))
    if "train_step" not in kinds:
        return
    endless = recipe.model_copy(update={"epochs": MANY_EPOCHS})
    watch = Stopwatch(device, limit)
    try:
        loader = _loader(work.size, recipe.batch_size, recipe.augmentation, device)
        training = NetworkTraining(network, endless, device, machine)
        fit(training, loader, Run(0, device, watch, NoResumeFile()))
    except Enough:
        report("train_step", watch.result())


def _of_one_process(work: Work) -> dict[str, Any]:
    """Make the settings of a single process that computes its share of every batch."""
    return {**work.settings, "batch_size": work.settings["batch_size"] // work.processes, "processes": 1}


def _time_evaluation(
    logits_of: Callable[[Tensor], Tensor], loader: Loader, device: torch.device, limit: float
) -> dict[str, Any]:
    watch = Stopwatch(device, limit)
    try:
        while True:
            evaluate(logits_of, loader.in_order(), device)
            watch.lap()
    except Enough:
        return watch.result()


def mixed_candidates(names: tuple[str, ...], count: int) -> Candidates:
    """Put `count` candidates on every edge, so that each is on as many edges as any other, give or take one.

    It is not known beforehand which ones a real search keeps.
    """
    index = iter(range(count * len(EDGES)))
    return tuple(tuple(names[next(index) % len(names)] for _ in range(count)) for _ in EDGES)


def _loader(
    size: Size, batch_size: int, augmentation: Augmentation | StreamedAugmentation | None, device: torch.device
) -> Loader:
    """Make a loader of one batch of noise, without the augmentation that other processes would do."""
    in_memory = augmentation if isinstance(augmentation, Augmentation) else None
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (batch_size, 3, size.pixels, size.pixels), dtype=torch.uint8, generator=generator)
    labels = torch.randint(size.classes, (batch_size,), generator=generator)
    return Loader(Split(images, labels), Batching(batch_size, in_memory, device), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def distinct(works: Iterable[Work]) -> list[Work]:
    """Select the first work of each key, in order."""
    found: dict[str, Work] = {}
    for work in works:
        found.setdefault(work.key, work)
    return list(found.values())
