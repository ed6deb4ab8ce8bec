"""Time single iterations of the real search and training loops, on synthetic images of the dataset's size."""

import multiprocessing
import resource
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor

from pdarts import extensions, memory
from pdarts.checking import parse
from pdarts.data.batching import Batching
from pdarts.data.loaders import Loader
from pdarts.data.split import Split
from pdarts.engine import testing
from pdarts.engine.device import set_up, steps_sharing
from pdarts.engine.graphs import Graphs, recorder
from pdarts.engine.loop import NetworkTraining, fit
from pdarts.engine.metrics import evaluate
from pdarts.engine.provenance import code_of, now, provenance
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
from pdarts.tools.cost.stopwatch import Enough, NoResumeFile, Stopwatch, Together
from pdarts.tools.cost.work import Size, Work

MANY_EPOCHS = 1000
"""Number of epochs, of one iteration each; many, so that dropout and drop path are in use throughout."""
KINDS_OF_STEPS = {"search": ("evaluation", "weights_step", "joint_step"), "train": ("evaluation", "train_step")}
"""Kinds of iterations in the order in which they are timed, from little memory to much; decoding comes before them."""

Report = Callable[[str, Any], None]
Clock = Callable[[], Stopwatch]


def child(
    sending: Connection, work: Work, kinds: list[str], machine: Machine, limit: float, together: Together
) -> None:
    """Send each timing as soon as it is known.

    Args:
        sending: takes pairs of a kind of iteration or another key of a unit, and its value; or `failed` and why.
        work: the unit to time.
        kinds: kinds of iterations to time, in this order.
        machine: the device to time it on.
        limit: seconds after which no further iteration of a kind begins.
        together: copies of this process that share the device.
    """
    multiprocessing.set_start_method(None, force=True)  # workers start as a step's do, not as this process did
    extensions.load(work.extensions)
    if work.processes > 1:  # steps of several processes are not recorded
        machine = machine.model_copy(update={"graphs": False})
    started, device = now(), set_up(machine)
    if device.type == "cpu":  # CUDA reserves far more addresses than it ever fills
        _leave_memory_for_others()
    time_steps = _time_search if work.step == "search" else _time_training
    made = provenance(device, started, step="tools.calibrate", code=code_of("tools.calibrate"))
    made["steps_per_gpu"] = steps_sharing(device, machine)
    try:
        sending.send(("provenance", made))
        for kind in kinds:
            if kind in work.decoding:
                augmentation, batch_size = work.decoding[kind]
                watch = Stopwatch(torch.device("cpu"), limit, together)
                timing = time_decoding(work.size.pixels, batch_size, augmentation, machine.workers, watch)
                sending.send((kind, timing))
        clock = partial(Stopwatch, device, limit, together, recorder(device, machine) is not None)
        time_steps(work, kinds, device, machine, clock, lambda name, value: sending.send((name, value)))
    except (MemoryError, RuntimeError) as error:
        if (lacking := memory.lack(error)) is None:
            raise
        sending.send(("failed", f"memory ran out ({lacking})"))
    sending.close()


def _leave_memory_for_others() -> None:
    """Let this process fail rather than take more memory than is free now, if the system tells that (Linux)."""
    if (free := memory.free()) is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (int(0.8 * free), hard))


def _time_search(
    work: Work, kinds: list[str], device: torch.device, machine: Machine, clock: Clock, report: Report
) -> None:
    stage = parse_stage(_of_one_process(work), "settings")
    candidates = dict.fromkeys(KINDS, mixed_candidates(stage.candidates, stage.operations))
    loaders = [_loader(work.size, stage.batch_size, stage.augmentation, device) for _ in range(2)]
    classes = work.size.classes
    if "evaluation" in kinds:
        training = StageTraining(stage, candidates, classes, device, machine)
        training.supernet.eval()
        report("evaluation", _time_evaluation(training.logits, loaders[1], device, clock()))
    frozen_epochs = {"weights_step": MANY_EPOCHS, "joint_step": 0}
    for name, frozen in ((kind, frozen_epochs[kind]) for kind in kinds if kind in frozen_epochs):
        endless = stage.model_copy(update={"epochs": MANY_EPOCHS, "frozen_epochs": frozen, "scored_epochs": 0})
        watch = clock()
        try:
            run = Run(0, device, watch, NoResumeFile())
            search_stage(endless, candidates, (loaders[0], loaders[1]), classes, machine, run)
        except Enough:
            report(name, watch.result())


def _time_training(
    work: Work, kinds: list[str], device: torch.device, machine: Machine, clock: Clock, report: Report
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
        report("evaluation", _time_evaluation(logits_of, test, device, clock()))
    if "train_step" not in kinds:
        return
    endless = recipe.model_copy(update={"epochs": MANY_EPOCHS})
    watch = clock()
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
    logits_of: Callable[[Tensor], Tensor], loader: Loader, device: torch.device, watch: Stopwatch
) -> dict[str, Any]:
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
