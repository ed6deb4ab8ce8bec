"""Needs of jobs: threads, GPUs, memory, time, processes."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from pdarts import gpus
from pdarts.errors import InputError
from pdarts.settings.config import Config
from pdarts.settings.datasets import Dataset, ImageFolder
from pdarts.workflow.declared import declared

CONTINUING = ("search", "train")
"""Steps that continue in the next job where one ends too early."""
COMPUTING = ("search", "train", "test", "export")
"""Steps that compute with networks; all others take one thread."""
LOADERS = {"prepare": 1, "search": 2, "train": 1, "test": 1}
"""Sets of images that a step decodes at a time."""


@dataclass(frozen=True)
class Needs:
    """Resources that one job asks a scheduler for."""

    processes: int
    threads: int
    """CPU threads of all processes."""
    gpus: int
    memory: int
    """Main memory in MB."""
    minutes: int
    """Time limit."""


def needs_of(config: Config, step: str, names: Mapping[str, str], attempt: int = 1) -> Needs:
    """Look up the needs of a job.

    Args:
        config: the whole config.
        step: such as `search`; steps without a request of their own have that of `short`.
        names: of the search, random search, training, checkpoint or dataset that the job belongs to, by the names of
            wildcards.
        attempt: number of the attempt, from 1. Too little memory may be why one failed, so the second asks for twice
            as much; and for twice the time, unless it continues where the first one stopped.
    """
    dataset = dataset_of(config, names)
    request = config.requests.of(step if step in LOADERS else "short", dataset)
    processes, again = processes_of(config, step, names), min(attempt, 2)
    decoders = LOADERS.get(step, 0) * config.machine.workers * _decodes(config, step, dataset)
    computing = config.machine.threads if step in COMPUTING else 0
    return Needs(
        processes=processes,
        threads=processes * max(1, computing + decoders),
        gpus=processes * request.gpus,
        memory=request.memory * again,
        minutes=request.minutes * (1 if step in CONTINUING else again),
    )


def _decodes(config: Config, step: str, dataset: str | None) -> bool:
    """Whether worker processes of a step decode images; those of a folder in memory are verified by some, too."""
    if dataset is None:
        return False
    found: Dataset | ImageFolder = declared(config, "datasets", dataset)
    return found.streamed or (step == "prepare" and isinstance(found, ImageFolder))


def steps_on_gpus(config: Config) -> int:
    """Count the steps that may compute on the GPUs of this machine at once; 0 if there is no GPU, or a CPU computes."""
    found = gpus.driver() if config.machine.device != "cpu" else None
    return len(gpus.visible(len(found.gpus))) * config.machine.steps_per_gpu if found else 0


def dataset_of(config: Config, names: Mapping[str, str]) -> str | None:
    """Name of the dataset that a job reads; None if it reads none."""
    nouns = {"search": "searches", "random_search": "random_searches", "training": "trainings"}
    for name, noun in (nouns | {"checkpoint": "checkpoints"}).items():
        if name in names:
            found: str = declared(config, noun, names[name]).dataset
            return found
    return names.get("dataset")


def processes_of(config: Config, step: str, names: Mapping[str, str]) -> int:
    """Number of processes that share every batch of a job."""
    if step == "search":
        return int(declared(config, "searches", names["search"]).processes)
    return config.recipe_of(declared(config, "trainings", names["training"])).processes if step == "train" else 1


def search_launch(config: Config, search: str) -> str:
    """Start of the command of a search."""
    return launch(processes_of(config, "search", {"search": search}))


def training_launch(config: Config, training: str) -> str:
    """Start of the command of a training."""
    return launch(processes_of(config, "train", {"training": training}))


def launch(processes: int) -> str:
    """Start of the command of a step with so many processes; over all nodes where a SLURM job has several.

    Raises:
        InputError: if the nodes of the job cannot share the processes equally.
    """
    if processes == 1:
        return "python -m"
    nodes = int(os.environ.get("SLURM_JOB_NUM_NODES", 1))
    if nodes == 1:
        return f"torchrun --standalone --nproc-per-node {processes} -m"
    if processes % nodes:
        raise InputError(
            f"processes is {processes}, but this SLURM job has {nodes} nodes; ask for a number of nodes that divides it"
        )
    job = os.environ.get("SLURM_JOB_ID", "")
    port = 20000 + int(job) % 10000  # one for every job, below those that the system gives out
    return (
        f"srun --nodes={nodes} --ntasks-per-node=1 --kill-on-bad-exit torchrun --nnodes {nodes} --nproc-per-node "
        f"{processes // nodes} --rdzv-backend c10d --rdzv-id {job} --rdzv-endpoint {socket.gethostname()}:{port} -m"
    )
