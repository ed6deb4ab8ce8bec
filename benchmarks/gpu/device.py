"""The card, and what drives it."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator

import torch

from benchmarks.gpu.check import Check, Row
from pdarts.engine.device import device_name
from pdarts.engine.provenance import code_version, now


def machine(check: Check) -> Iterator[Row]:
    """Name card and versions."""
    device = check.setup().device
    code = code_version()
    yield {"": "device", "what": device_name(device)}
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        yield {"": "memory", "what": f"{card.total_memory / 2**30:.0f} GiB"}
        yield {"": "multiprocessors", "what": card.multi_processor_count}
        yield {"": "compute capability", "what": f"{card.major}.{card.minor}"}
    yield {"": "driver", "what": driver()}
    yield {"": "CUDA", "what": torch.version.cuda}
    yield {"": "cuDNN", "what": str(torch.backends.cudnn.version())}
    for package in ("torch", "triton"):
        yield {"": package, "what": version(package)}
    yield {"": "Python", "what": platform.python_version()}
    yield {"": "commit", "what": f"{code['commit']}{'' if code['clean'] else ', with changes'}"}
    yield {"": "CPU cores", "what": os.cpu_count()}
    yield {"": "date", "what": now().isoformat(timespec="minutes")}


def driver() -> str | None:
    """Version of NVIDIA's driver; None if its tool is missing or fails."""
    if (tool := shutil.which("nvidia-smi")) is None:
        return None
    command = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[0].strip() if done.returncode == 0 else None


def version(package: str) -> str | None:
    """Version of a package; None if it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
