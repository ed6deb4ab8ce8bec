"""The device of a step."""

import platform
from pathlib import Path

import torch

from pdarts.errors import InputError
from pdarts.settings.machine import Machine


def set_up(machine: Machine) -> torch.device:
    """Set the number of CPU threads and choose the device.

    Raises:
        InputError: if `cuda` is asked for and there is none.
    """
    torch.set_num_threads(machine.threads)
    # Batches have one size, so timing cuDNN's algorithms once pays. Which is fastest, and the order of sums inside,
    # differ from run to run: on a GPU results repeat in distribution only.
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = False  # float32 is what it says
    present = torch.cuda.is_available()
    if machine.device == "cuda" and not present:
        raise InputError(
            "machine.device is 'cuda', but torch sees no GPU here; allowed: auto, cpu, cuda. "
            "Check the driver, the job's GPU request and the installed torch build, or set it to cpu"
        )
    return torch.device("cuda" if present and machine.device != "cpu" else "cpu")


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
