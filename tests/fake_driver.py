"""A library that answers as NVIDIA's driver does on a machine with GPUs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pdarts.gpus import LIBRARY

SOURCE = """
#include <string.h>
int nvmlInit_v2(void) { return 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned length) { strncpy(version, "535.104.05", length); return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12020; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = GPUS; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **gpu) { *gpu = (void *)(1L + index); return index >= GPUS; }
int nvmlDeviceGetName(void *gpu, char *name, unsigned length) { strncpy(name, "NVIDIA H100", length); return 0; }
int nvmlDeviceGetCudaComputeCapability(void *gpu, int *major, int *minor) { *major = 9; *minor = 0; return 0; }
"""


def with_gpus(count: int, folder: Path) -> dict[str, str]:
    """Make the library in a folder; the environment in which a fresh process finds it."""
    compiler = shutil.which("cc") or pytest.skip("there is no C compiler to make a driver with")
    command = [compiler, "-shared", "-fPIC", f"-DGPUS={count}", "-x", "c", "-", "-o", str(folder / LIBRARY)]
    subprocess.run(command, input=SOURCE, text=True, check=True)
    visible = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    return visible | {"LD_LIBRARY_PATH": str(folder)}
