"""The C++ kernels, which are compiled when they first run.

The first process that needs them calls the C++ compiler, once for each kind of CPU, and keeps the result in the user's
cache.
"""

import ctypes
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("kernels.cpp")
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
NAMES = {torch.float32: "float", torch.float64: "double"}

_POINTER, _INTEGER = ctypes.c_void_p, ctypes.c_int64
SIGNATURES = {
    "forward": [_POINTER] * 13 + [_INTEGER] * 2,
    "combine": [_POINTER] * 3 + [_INTEGER] * 2,
    "sums": [_POINTER] * 3 + [_INTEGER],
    "backward": [_POINTER] * 3 + [_INTEGER] + [_POINTER] * 5 + [_INTEGER] + [_POINTER] * 2,
    "pool": [_POINTER, _INTEGER] + [_POINTER] * 2,
    "pool_backward": [_POINTER, _INTEGER, _POINTER, _INTEGER] + [_POINTER] * 2,
    "dropout": [_INTEGER] * 3 + [ctypes.c_double, _INTEGER] + [_POINTER] * 2,
}


class Shape(ctypes.Structure):
    """Sizes of a unit, by the names that `kernels.cpp` gives them."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("images", "channels_in", "channels", "height", "width", "size")),
        *((name, ctypes.c_int64) for name in ("stride", "dilation", "full", "rectified", "training", "threads")),
        ("from_image_to_image", ctypes.c_int64),
        ("momentum", ctypes.c_double),
        ("epsilon", ctypes.c_double),
    )


class Part(ctypes.Structure):
    """A part of a node's sum, by the names that `kernels.cpp` gives its values."""

    _fields_ = (
        ("product", _POINTER),
        *((name, _INTEGER) for name in ("apart", "plane")),
        *((name, _POINTER) for name in ("norm", "scale", "kept", "sums")),
    )


@lru_cache(maxsize=1024)
def shape(*values: Any) -> Shape:
    """Return one object for the same sizes."""
    return Shape(*values)


def call(name: str, dtype: torch.dtype, *arguments: Any) -> None:
    """Call the kernel of that name for a type of `NAMES`."""
    getattr(loaded(), f"{name}_{NAMES[dtype]}")(*arguments)


def pointer(tensor: Tensor | None) -> int | None:
    """Return the address of a tensor's first value."""
    return None if tensor is None else tensor.data_ptr()


def regular(x: Tensor) -> Tensor:
    """Return `x`, shape (N, C, H, W), if each of its images is contiguous, and a contiguous copy otherwise."""
    height, width = x.shape[2:]
    return x if x.stride()[1:] == (height * width, width, 1) else x.contiguous()


@cache
def loaded() -> ctypes.CDLL | None:
    """Load the compiled kernels; None, with a message, where there is no compiler."""
    try:
        path = _compiled()
    except (OSError, subprocess.SubprocessError) as error:
        detail = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        print(f"no C++ kernels, so PyTorch's own compute, about three times as long: {detail}", file=sys.stderr)
        return None
    library = ctypes.CDLL(str(path))
    for name in NAMES.values():
        for function, arguments in SIGNATURES.items():
            getattr(library, f"{function}_{name}").argtypes = arguments
            getattr(library, f"{function}_{name}").restype = None
    return library


def _compiled() -> Path:
    """Return the path of the shared library, compiled unless the cache has it for this source, compiler and CPU."""
    compiler = os.environ.get("CXX", "c++")
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True, text=True).stdout
    cpuinfo = Path("/proc/cpuinfo")
    processor = cpuinfo.read_text().split("\n\n")[0] if cpuinfo.exists() else platform.processor()
    flags = "\n".join(line for line in processor.splitlines() if line.startswith(("model name", "flags", "Features")))
    parts = (SOURCE.read_text(), version, flags, platform.platform(), *FLAGS)
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pdarts"
    path = cache_folder / f"cpu_kernels-{digest}.so"
    if not path.exists():
        cache_folder.mkdir(parents=True, exist_ok=True)
        print("compiling the C++ kernels, once for this kind of CPU (up to half a minute)", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=cache_folder) as folder:
            made = Path(folder) / path.name
            openmp = ["-fopenmp"] if sys.platform == "linux" else []
            command = [compiler, *FLAGS, *openmp, str(SOURCE), "-o", str(made)]
            subprocess.run(command, check=True, capture_output=True, text=True)
            made.replace(path)  # at once, so that another process never sees half a file
    return path
