"""Convolution units on a CPU, compiled where they run; everywhere else PyTorch's own operations do the same.

PyTorch's depthwise convolutions reach a few percent of a CPU's speed. Here ReLU, depthwise and dense convolution
and BatchNorm are one function over an image at a time, forward and backward (`kernels.cpp`). The first process
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
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pdarts.nets.backends.form import Part, Unit

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


class _Shape(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("images", "channels_in", "channels", "height", "width", "size")),
        *((name, ctypes.c_int64) for name in ("stride", "dilation", "full", "rectified", "training", "threads")),
        ("from_image_to_image", ctypes.c_int64),
        ("momentum", ctypes.c_double),
        ("epsilon", ctypes.c_double),
    )


class _Part(ctypes.Structure):
    _fields_ = (
        ("product", _POINTER),
        *((name, _INTEGER) for name in ("apart", "plane")),
        *((name, _POINTER) for name in ("norm", "scale", "kept", "sums")),
    )


def suits(x: Tensor) -> bool:
    """Whether these kernels can compute on this tensor."""
    return (
        x.device.type == "cpu"
        and x.dtype in NAMES
        and not torch.compiler.is_compiling()
        and not torch.is_autocast_enabled("cpu")
        and _library() is not None
    )


def total(parts: Sequence[Part], training: bool, momentum: float, epsilon: float) -> Tensor:
    """The sum of all parts, whose results have one shape.

    Args:
        parts: at least one.
        training: whether to normalize by the batch's statistics, and move the running ones.
        momentum: of the running statistics.
        epsilon: of BatchNorm.
    """
    parts = [part._replace(x=_regular(part.x)) for part in parts]
    norm = training, momentum, epsilon
    if not (training or torch.is_grad_enabled()):
        return _evaluated(parts, norm)
    inputs = {id(part.x): part.x for part in parts}
    places = [list(inputs).index(id(part.x)) for part in parts]
    others: list[Tensor | None] = []
    for part in parts:
        others.append(part.scale)
        for unit in part.units:
            others += unit.weight, unit.bias, unit.dense, unit.depthwise
    return _Total.apply(parts, places, norm, *inputs.values(), *others)


class _Layer(NamedTuple):
    """What the backward pass needs of a unit; a part without units has one layer, with no more than a product."""

    product: Tensor
    """What BatchNorm takes."""
    norm: Tensor | None = None
    """What it does to each channel, shape (4, channels): mean, 1 / deviation, factor, shift."""
    dense: Tensor | None = None
    depthwise: Tensor | None = None


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, parts: Sequence[Part], places: list[int], norm: Any, *tensors: Any) -> Tensor:
        ctx.inputs, ctx.layout = max(places) + 1, []
        saved = list(tensors[: ctx.inputs])
        out = _behind(parts[0].x, *parts[0].units)
        for number, (part, place) in enumerate(zip(parts, places, strict=True)):
            layers, shapes = _forward(part, norm)
            _combine(part, layers[-1], shapes[-1], out, number > 0)
            saved += [layer.product for layer in layers]
            ctx.layout.append((place, shapes, part.scale, part.kept, [layer[1:] for layer in layers]))
        # Feature maps alone: what is small takes autograd's bookkeeping, and checkpointing's, longer than kernels.
        ctx.save_for_backward(*saved)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        gradient = _regular(gradient)
        saved, wanted = iter(ctx.saved_tensors), iter(ctx.needs_input_grad[3:])
        inputs, onward = list(islice(saved, ctx.inputs)), list(islice(wanted, ctx.inputs))
        gradients: list[Tensor | None] = [None] * ctx.inputs
        others: list[Tensor | None] = []
        for place, shapes, scale, kept, small in ctx.layout:
            wanted_scale = next(wanted)
            layers = [_Layer(next(saved), *each) for each in small]
            of_units = [list(islice(wanted, 4)) for layer in layers if layer.norm is not None]
            behind, target = gradient, None
            for number in reversed(range(len(layers))):
                layer, last = layers[number], number == len(layers) - 1
                before = layers[number - 1] if number else _Layer(inputs[place])
                sums = gradient.new_empty(4 * layer.product.shape[1] + 1)
                structure = _part(layer, scale if last else None, kept if last else None, sums)
                outer = ctypes.byref(structure), behind.data_ptr(), behind.stride(0)
                _call("sums", gradient, shapes[number], *outer)
                if last:
                    others.append(sums[-1] if wanted_scale else None)
                target = None if number else gradients[place]
                add = target is not None
                if target is None and (number or onward[place]):
                    target = torch.empty(before.product.shape, dtype=gradient.dtype)
                dense = depthwise = None
                if of_units:
                    of_units[number] = _room(layer, sums, *of_units[number])
                    *_, dense, depthwise = of_units[number]
                if any(tensor is not None for tensor in (target, dense, depthwise)):
                    tensors = before.product, before.norm, layer.depthwise, layer.dense, target
                    results = *map(_pointer, tensors), add, *map(_pointer, (depthwise, dense))
                    _call("backward", gradient, shapes[number], *outer, *results)
                if target is not None:
                    behind = target
            gradients[place] = target
            others += [tensor for of_unit in of_units for tensor in of_unit]
        return None, None, None, *gradients, *others


def _room(layer: _Layer, sums: Tensor, *wanted: bool) -> list[Tensor | None]:
    """Gradients of a unit's parameters, as far as they are wanted; those of convolutions are still to be computed."""
    channels = layer.product.shape[1]
    of_norm = sums[:channels], sums[channels : 2 * channels]
    of_convolutions = (None if tensor is None else torch.empty_like(tensor) for tensor in layer[2:])
    return [tensor if wish else None for tensor, wish in zip((*of_norm, *of_convolutions), wanted, strict=True)]


def _forward(part: Part, norm: Any, out: Tensor | None = None, add: bool = False) -> tuple[list[_Layer], list[_Shape]]:
    """A part's layers, and their shapes; to `out` goes what the last convolution gives, normalized, not its product."""
    if not part.units:
        return [_Layer(part.x)], [_shape(part.x, norm)]
    layers = [_Layer(part.x)]
    shapes = []
    for unit in part.units:
        value, norm_in, *_ = layers[-1]
        last = unit is part.units[-1]
        shape, product = _shape(value, norm, unit), value
        if unit.dense is not None:
            product = out if last and out is not None and part.kept is None else _behind(value, unit)
        norm_out = value.new_empty(4, product.shape[1])
        places = (None, out) if product is out else (product, None)
        arguments = value, norm_in, unit.depthwise, unit.dense, unit.weight, unit.bias, part.scale if last else None
        results = unit.running_mean, unit.running_var, places[0], norm_out, places[1]
        _call("forward", value, shape, *map(_pointer, (*arguments, *results)), product.stride(0), add)
        layers.append(_Layer(product, norm_out, unit.dense, unit.depthwise))
        shapes.append(shape)
    return layers[1:], shapes


def _evaluated(parts: Sequence[Part], norm: Any) -> Tensor:
    """`total` by running statistics, for no gradient: a part is added as its last convolution is computed."""
    out = _behind(parts[0].x, *parts[0].units)
    for number, part in enumerate(parts):
        layers, shapes = _forward(part, norm, out, number > 0)
        if layers[-1].product is not out:
            _combine(part, layers[-1], shapes[-1], out, number > 0)
    return out


def _combine(part: Part, layer: _Layer, shape: _Shape, out: Tensor, add: bool) -> None:
    structure = _part(layer, part.scale, part.kept)
    _call("combine", out, shape, ctypes.byref(structure), out.data_ptr(), out.stride(0), add)


def _behind(value: Tensor, *units: Unit) -> Tensor:
    """Room for what units make of a value."""
    number, channels, height, width = value.shape
    for unit in units:
        channels = channels if unit.dense is None else len(unit.dense)
        height, width = -(-height // unit.stride), -(-width // unit.stride)
    return value.new_empty(number, channels, height, width)


def _part(layer: _Layer, scale: Tensor | None, kept: Tensor | None, sums: Tensor | None = None) -> _Part:
    """With `sums`, 4 * channels + 1 values, which the function of that name fills and `backward` reads."""
    product = layer.product
    pointers = map(_pointer, (layer.norm, scale, kept, sums))
    return _Part(product.data_ptr(), product.stride(0), product.shape[2] * product.shape[3], *pointers)


def pool(x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
    """Maximum or mean of windows, which are padded to keep the size; padding is left out of the mean."""
    return _Pool.apply(x, largest, size, stride)


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
        x = _regular(x)
        number, channels, height, width = x.shape
        ctx.shape = _cached_shape(
            number,
            channels,
            channels,
            height,
            width,
            size,
            stride,
            1,
            *(False, True, True),
            torch.get_num_threads(),
            x.stride(0),
            0,
            0,
        )
        ctx.largest = largest
        out = x.new_empty(number, channels, -(-height // stride), -(-width // stride))
        _call("pool", x, ctx.shape, largest, x.data_ptr(), out.data_ptr())
        ctx.save_for_backward(x)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        gradient = _regular(gradient)
        gradient_x = torch.empty(x.shape, dtype=x.dtype)
        tensors = (gradient.data_ptr(), gradient.stride(0), x.data_ptr(), gradient_x.data_ptr())
        _call("pool_backward", x, ctx.shape, ctx.largest, *tensors)
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


def _shape(x: Tensor, norm: Any, unit: Unit | None = None) -> _Shape:
    """Of a unit's input, or of what is summed."""
    number, channels_in, height, width = x.shape
    channels, size, stride, dilation, full, rectified = channels_in, 0, 1, 1, False, True
    if unit is not None and unit.dense is not None:
        channels, stride, dilation, rectified = len(unit.dense), unit.stride, unit.dilation, unit.rectified
        full = unit.dense.shape[-1] > 1
        size = unit.dense.shape[-1] if full else 0 if unit.depthwise is None else unit.depthwise.shape[-1]
    training, *constants = norm
    sizes = number, channels_in, channels, height, width, size, stride, dilation
    return _cached_shape(*sizes, full, rectified, training, torch.get_num_threads(), x.stride(0), *constants)


def _call(name: str, x: Tensor, shape: _Shape, *arguments: Any) -> None:
    """Call the kernel of that name for the type of `x`."""
    getattr(_library(), f"{name}_{NAMES[x.dtype]}")(ctypes.byref(shape), *arguments)


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
