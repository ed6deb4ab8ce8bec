"""The device of a step."""

import os
import platform
import warnings
from pathlib import Path

import torch

from pdarts import gpus
from pdarts.engine import sharing
from pdarts.engine.obstacles import Build, drives, obstacle
from pdarts.errors import InputError, counted, warn
from pdarts.gpus import Driver, Gpu
from pdarts.settings.machine import Machine


def set_up(machine: Machine) -> torch.device:
    """Set the number of CPU threads and choose the device: of several GPUs the one with the fewest steps.

    Processes of one step take a GPU each.

    Raises:
        InputError: if `cuda` is asked for and there is none, or if there are fewer GPUs than processes of this step.
    """
    torch.set_num_threads(machine.threads)
    # Where kernels of our own compute cells, cuDNN computes little, and its sums repeat to the last bit. Elsewhere it
    # may choose algorithms by timing them, since batches have one size, and the order of its sums may vary.
    torch.backends.cudnn.deterministic = machine.kernels == "auto"
    torch.backends.cudnn.benchmark = machine.kernels == "torch"
    torch.backends.cudnn.allow_tf32 = False  # float32 is what it says
    usable = usable_gpus(machine)
    if not usable:
        return torch.device("cpu")
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", 1))  # of this step on this machine, as torchrun says
    if processes > len(usable):
        raise InputError(
            f"{processes} processes of this step work here, but torch can use only {counted(len(usable), 'GPU')}; "
            "ask for as many GPUs as processes, or set machine.device to cpu"
        )
    if len(usable) > 1:
        names = gpus.visible(torch.cuda.device_count())
        step = os.getpid() if processes == 1 else os.getppid()
        number = int(os.environ.get("LOCAL_RANK", 0))
        torch.cuda.set_device(usable[sharing.take([names[index] for index in usable], step, number)])
    return torch.device("cuda")


def usable_gpus(machine: Machine) -> list[int]:
    """List the GPUs that can compute, by their index in torch; empty where the CPU computes.

    If there are GPUs but torch can drive none of them, and it is left open which device computes, a warning says so.

    Raises:
        InputError: if `cuda` is asked for and there is none.
    """
    if machine.device == "cpu":
        return []
    build = Build(torch.__version__, torch.version.cuda, tuple(torch.cuda.get_arch_list()))
    seen, said = _seen()
    reason = obstacle(build, seen, _driver(), said)
    if reason is None and seen:
        return [index for index, gpu in enumerate(seen) if drives(build, gpu)]
    if machine.device == "cuda":
        raise InputError(
            f"machine.device is 'cuda': {reason}"
            if reason
            else "machine.device is 'cuda', but torch sees no GPU here; allowed: auto, cpu, cuda. "
            "Check the driver, the job's GPU request and CUDA_VISIBLE_DEVICES, or set it to cpu"
        )
    if reason and os.environ.get("RANK", "0") == "0":
        warn(f"{reason}. The CPU computes instead; to have it so, set machine.device to cpu")
    return []


def _seen() -> tuple[list[Gpu], str]:
    """List the GPUs that torch sees, and return what it said when it looked; no memory of theirs is taken."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            present = torch.cuda.device_count() if torch.cuda.is_available() else 0
            seen = [Gpu(torch.cuda.get_device_name(i), torch.cuda.get_device_capability(i)) for i in range(present)]
        except RuntimeError as error:
            return [], " ".join(str(error).split())
    return seen, " ".join(" ".join(str(warning.message).split()) for warning in caught)


def _driver() -> Driver | None:
    """Ask the driver for its GPUs; None if none of them may be used."""
    found = gpus.driver()
    return found if found and gpus.visible(len(found.gpus)) else None


def steps_sharing(device: torch.device, machine: Machine) -> int:
    """Number of steps that share the device; a CPU is not shared out."""
    return machine.steps_per_gpu if device.type == "cuda" else 1


def device_name(device: torch.device) -> str:
    """Name of the device's model, such as `NVIDIA A100-SXM4-40GB`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
