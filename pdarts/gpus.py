"""NVIDIA's driver and the GPUs of this machine, asked without torch: in milliseconds, whatever build of it there is."""

import ctypes
import os
from ctypes import byref, c_int, c_uint, c_void_p
from dataclasses import dataclass

LIBRARY = "libnvidia-ml.so.1"
"""Part of every driver for Linux, also under Windows (WSL)."""
NAMES = ("GPU-", "MIG-")
"""How the names of GPUs begin in CUDA_VISIBLE_DEVICES where they are not numbers."""


@dataclass(frozen=True)
class Gpu:
    """One GPU."""

    name: str
    capability: tuple[int, int]
    """Compute capability, such as (9, 0)."""

    def __str__(self) -> str:
        return f"{self.name} (compute capability {self.capability[0]}.{self.capability[1]})"


@dataclass(frozen=True)
class Driver:
    """The driver, and all GPUs that it has."""

    version: str
    cuda: tuple[int, int]
    """Newest version of CUDA that it knows."""
    gpus: tuple[Gpu, ...]


def driver() -> Driver | None:
    """Ask the driver; None if there is none, or if it does not answer."""
    try:
        library = ctypes.CDLL(LIBRARY)
        _checked(library.nvmlInit_v2())
        version, cuda, count = ctypes.create_string_buffer(80), c_int(), c_uint()
        _checked(library.nvmlSystemGetDriverVersion(version, c_uint(len(version))))
        _checked(library.nvmlSystemGetCudaDriverVersion_v2(byref(cuda)))
        _checked(library.nvmlDeviceGetCount_v2(byref(count)))
        gpus = tuple(_gpu(library, index) for index in range(count.value))
    except (OSError, AttributeError):  # no such library, no such function in it, or an error in it
        return None
    return Driver(version.value.decode(), (cuda.value // 1000, cuda.value % 1000 // 10), gpus)


def _gpu(library: ctypes.CDLL, index: int) -> Gpu:
    handle, name, major, minor = c_void_p(), ctypes.create_string_buffer(96), c_int(), c_int()
    _checked(library.nvmlDeviceGetHandleByIndex_v2(c_uint(index), byref(handle)))
    _checked(library.nvmlDeviceGetName(handle, name, c_uint(len(name))))
    _checked(library.nvmlDeviceGetCudaComputeCapability(handle, byref(major), byref(minor)))
    return Gpu(name.value.decode(), (major.value, minor.value))


def _checked(code: int) -> None:
    if code:
        raise OSError(f"{LIBRARY} ends with error {code}")


def visible(present: int) -> list[str]:
    """List the GPUs that programs may use, by the names that CUDA_VISIBLE_DEVICES gives them, or by their numbers.

    Args:
        present: largest number of names.
    """
    value = os.environ.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return [str(number) for number in range(present)]
    names: list[str] = []
    for name in map(str.strip, value.split(",")):  # CUDA ignores whatever stands after a name that it does not know
        if not name.startswith(NAMES) and not name.isdecimal():
            break
        names.append(name)
    return names[:present]
