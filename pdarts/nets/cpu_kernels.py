"""Convolution units on a CPU, compiled where they run; everywhere else PyTorch's own operations do the same.

PyTorch's depthwise convolutions reach a few percent of a CPU's speed. Here ReLU, depthwise and pointwise convolution
and BatchNorm are one function over an image at a time, forward and backward (`cpu_kernels.cpp`). The first process
that needs it calls the C++ compiler, once for a processor, and keeps the result in the user's cache.
"""

import ctypes
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

SOURCE = Path(__file__).with_name("cpu_kernels.cpp")
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
NAMES = {torch.float32: "float", torch.float64: "double"}

_POINTER, _INTEGER = ctypes.c_void_p, ctypes.c_int64
SIGNATURES = {
    "forward": [_POINTER] * 14,
    "backward": [_POINTER] * 2 + [_INTEGER] + [_POINTER] * 12,
    "pool": [_POINTER, _INTEGER] + [_POINTER] * 2,
    "pool_backward": [_POINTER, _INTEGER, _POINTER, _INTEGER] + [_POINTER] * 2,
    "dropout": [_INTEGER] * 3 + [ctypes.c_double, _INTEGER] + [_POINTER] * 2,
}


class Unit(NamedTuple):
    """ReLU, depthwise convolution, pointwise convolution, BatchNorm."""

    depthwise: Tensor | None
    """Shape (C, 1, size, size)."""
    pointwise: Tensor
    """Shape (channels, C, 1, 1)."""
    stride: int
    dilation: int
    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor
    running_var: Tensor


class _Shape(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("images", "channels_in", "channels", "height", "width", "size")),
        *((name, ctypes.c_int64) for name in ("stride", "dilation", "training", "threads", "from_image_to_image")),
        ("momentum", ctypes.c_double),
        ("epsilon", ctypes.c_double),
    )


def suit(x: Tensor) -> bool:
    """Whether `units` can compute on this tensor."""
    return (
        x.device.type == "cpu"
        and x.dtype in NAMES
        and not torch.compiler.is_compiling()
        and not torch.is_autocast_enabled("cpu")
        and _library() is not None
    )


def units(
    x: Tensor, chain: Sequence[Unit], scale: Tensor | None, training: bool, momentum: float, epsilon: float
) -> Tensor:
    """Units one behind the other, of which the last is multiplied by `scale`.

    Args:
        x: not rectified, shape (N, C, H, W).
        chain: the units.
        scale: a scalar, or None.
        training: whether to normalize by the batch's statistics, and move the running ones.
        momentum: of the running statistics.
        epsilon: of BatchNorm.
    """
    parameters = [tensor for unit in chain for tensor in (unit.depthwise, unit.pointwise, unit.weight, unit.bias)]
    return _Units.apply(x, scale, chain, (training, momentum, epsilon), torch.is_grad_enabled(), *parameters)


class _Units(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor | None, chain: Sequence[Unit], norm: Any, graph: bool, *_: Any
    ) -> Tensor:
        x = _regular(x)
        function = getattr(_library(), f"forward_{NAMES[x.dtype]}")
        value, affine, out = x, None, None
        kept, shapes = [x], []
        for place, unit in enumerate(chain):
            shape = _shape(value, unit, *norm)
            channels, (height, width) = unit.pointwise.shape[0], value.shape[2:]
            size = -(-height // unit.stride), -(-width // unit.stride)
            product = value.new_empty(len(value), channels, *size)
            statistics, affine_out = value.new_empty(2, 2, channels).unbind()
            last = place == len(chain) - 1
            if last:
                out = torch.empty_like(product) if graph else product
            tensors = value, affine, unit.depthwise, unit.pointwise, unit.weight, unit.bias, scale if last else None
            results = unit.running_mean, unit.running_var, product, statistics, affine_out, out
            function(ctypes.byref(shape), *map(_pointer, (*tensors, *results)))
            kept += [product, statistics, affine_out]
            shapes.append(shape)
            value, affine = product, affine_out
        ctx.save_for_backward(*kept, scale, *(tensor for unit in chain for tensor in unit[:2] + unit[4:6]))
        ctx.shapes = shapes
        assert out is not None
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        saved, shapes = ctx.saved_tensors, ctx.shapes
        count = len(shapes)
        x, scale = saved[0], saved[3 * count + 1]
        function = getattr(_library(), f"backward_{NAMES[x.dtype]}")
        gradients: list[Tensor | None] = [None] * (4 * count)
        gradient_scale = None
        for place in reversed(range(count)):
            product, statistics, affine = saved[1 + 3 * place : 4 + 3 * place]
            depthwise, pointwise, weight, bias = saved[2 + 3 * count + 4 * place :][:4]
            value, affine_in = (saved[3 * place - 2], saved[3 * place]) if place else (x, None)
            wanted = ctx.needs_input_grad[5 + 4 * place :]
            onward = place > 0 or ctx.needs_input_grad[0]
            gradient = _regular(gradient)
            gradient_in = torch.empty(value.shape, dtype=x.dtype) if onward else None
            gradient_depthwise = torch.empty_like(depthwise) if depthwise is not None and wanted[0] else None
            gradient_pointwise = torch.empty_like(pointwise) if wanted[1] else None
            gradient_weight, gradient_bias = x.new_empty(2, len(pointwise)).unbind()
            function(
                ctypes.byref(shapes[place]),
                gradient.data_ptr(),
                gradient.stride(0),
                *map(_pointer, (product, statistics, affine, value, affine_in, depthwise, pointwise)),
                *map(_pointer, (gradient_in, gradient_depthwise, gradient_pointwise, gradient_weight, gradient_bias)),
            )
            if place == count - 1 and scale is not None:
                gradient_scale = (gradient_weight if weight is None else gradient_weight * weight).sum()
                gradient_weight *= scale
            gradients[4 * place : 4 * place + 4] = (
                gradient_depthwise,
                gradient_pointwise,
                None if weight is None else gradient_weight,
                None if bias is None else gradient_bias,
            )
            if gradient_in is not None:
                gradient = gradient_in
        return gradient if ctx.needs_input_grad[0] else None, gradient_scale, None, None, None, *gradients


def pool(x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
    """Maximum or mean of windows, which are padded to keep the size; padding is left out of the mean."""
    return _Pool.apply(x, largest, size, stride)


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
        x = _regular(x)
        number, channels, height, width = x.shape
        ctx.shape = _cached_shape(
            number, channels, channels, height, width, size, stride, 1, True, torch.get_num_threads(), x.stride(0), 0, 0
        )
        ctx.largest = largest
        out = x.new_empty(number, channels, -(-height // stride), -(-width // stride))
        getattr(_library(), f"pool_{NAMES[x.dtype]}")(ctypes.byref(ctx.shape), largest, x.data_ptr(), out.data_ptr())
        ctx.save_for_backward(x)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        gradient = _regular(gradient)
        gradient_x = torch.empty(x.shape, dtype=x.dtype)
        function = getattr(_library(), f"pool_backward_{NAMES[x.dtype]}")
        tensors = (gradient.data_ptr(), gradient.stride(0), x.data_ptr(), gradient_x.data_ptr())
        function(ctypes.byref(ctx.shape), ctx.largest, *tensors)
        return gradient_x, None, None, None


def dropout(x: Tensor, rate: float) -> Tensor:
    """Element-wise dropout in training, from one draw of torch's generator; below `rate` 1."""
    return _Dropout.apply(x, rate, int(torch.randint(2**62, ())))


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rate: float, seed: int) -> Tensor:
        ctx.rate, ctx.seed = rate, seed
        return _dropped(x, rate, seed)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _dropped(gradient, ctx.rate, ctx.seed), None, None


def _dropped(x: Tensor, rate: float, seed: int) -> Tensor:
    x = x.contiguous()
    out = torch.empty_like(x)
    threshold = min(round(rate * 2**32), 2**32 - 1)
    arguments = x.numel(), seed, threshold, 1 / (1 - rate), torch.get_num_threads(), x.data_ptr(), out.data_ptr()
    getattr(_library(), f"dropout_{NAMES[x.dtype]}")(*arguments)
    return out


def _regular(x: Tensor) -> Tensor:
    """`x` itself if its images are contiguous, even if they lie apart; otherwise a copy."""
    height, width = x.shape[2:]
    return x if x.stride()[1:] == (height * width, width, 1) else x.contiguous()


def _pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _shape(x: Tensor, unit: Unit, training: bool, momentum: float, epsilon: float) -> _Shape:
    size, dilation = (unit.depthwise.shape[-1], unit.dilation) if unit.depthwise is not None else (0, 0)
    number, channels_in, height, width = x.shape
    sizes = number, channels_in, unit.pointwise.shape[0], height, width, size, unit.stride, dilation
    return _cached_shape(*sizes, training, torch.get_num_threads(), x.stride(0), momentum, epsilon)


@lru_cache(maxsize=1024)
def _cached_shape(*values: Any) -> _Shape:
    return _Shape(*values)


@cache
def _library() -> ctypes.CDLL | None:
    """The compiled kernels, or None, with a message, where there is no compiler."""
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
    """Path of the shared library, compiled if the cache has none for this source, compiler and processor."""
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
        with tempfile.TemporaryDirectory(dir=cache_folder) as folder:
            made = Path(folder) / path.name
            openmp = ["-fopenmp"] if sys.platform == "linux" else []
            command = [compiler, *FLAGS, *openmp, str(SOURCE), "-o", str(made)]
            subprocess.run(command, check=True, capture_output=True, text=True)
            made.replace(path)  # at once, so that another process never sees half a file
    return path
