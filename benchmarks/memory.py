"""Peak memory of a joint search iteration, each formulation in a process of its own."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from benchmarks.cases import recomputation, search


def peaks(stage: int, device: torch.device) -> dict[str, int]:
    """Peak bytes of an iteration, above what its process had before: textbook, ours, ours with recomputation."""
    found = {"stage": stage}
    for name in ("textbook", "pdarts", "recomputation"):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            found[name] = alone.submit(_peak, stage, name, device.type).result()
    return found


def _peak(stage: int, name: str, device_type: str) -> int:
    torch.set_num_threads(1)
    with torch.device(device_type):
        iteration = recomputation(stage)[1] if name == "recomputation" else search(stage, True)[name == "pdarts"]
        if device_type == "cuda":
            before = torch.cuda.memory_allocated()
            iteration()
            return torch.cuda.max_memory_allocated() - before
        before = most_memory()
        iteration()
        return most_memory() - before


def most_memory() -> int:
    """The most memory that this process has had so far; Linux says so."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])
