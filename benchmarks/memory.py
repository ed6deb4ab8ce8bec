"""Peak memory of a joint search iteration, each formulation in a process of its own."""

import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from benchmarks.searches import Search
from benchmarks.setup import setup_on
from pdarts.engine.device import set_up
from pdarts.engine.graphs import EAGER_CALLS
from pdarts.settings.machine import Machine


def peaks(stage: int, device_type: str) -> dict[str, int]:
    """Peak bytes of an iteration, above what its process had before: textbook, ours, ours with recomputation."""
    found = {"stage": stage}
    for name in ("textbook", "pdarts", "recomputation"):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            found[name] = alone.submit(_peak, stage, name, device_type).result()
    return found


def _peak(stage: int, name: str, device_type: str) -> int:
    machine = Machine.model_validate({"device": device_type, "recompute": name == "recomputation"})
    setup = setup_on(set_up(machine), machine)
    iteration = (Search(stage=stage).textbook if name == "textbook" else Search(stage=stage).ours)(setup)
    if device_type == "cuda":
        for _ in range(EAGER_CALLS + 2):  # until kernels are chosen, recorded and replayed
            iteration()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        iteration()
        return torch.cuda.max_memory_reserved()
    before = most_memory()
    iteration()
    return most_memory() - before


def most_memory() -> int:
    """The most memory in bytes that this process has had so far."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])
