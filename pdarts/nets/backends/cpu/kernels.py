"""Convolution units, pooling and dropout on a CPU, compiled where they run.

PyTorch's depthwise convolutions reach a few percent of a CPU's speed. Here ReLU, depthwise and dense convolution
and BatchNorm are one function over an image at a time, forward and backward (`kernels.cpp`). It reads memory, not
tensors: a tensor in another layout is copied here, and tensors that it cannot read are left to PyTorch.
"""

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pdarts.nets.backends.cpu import library
from pdarts.nets.backends.cpu.library import NAMES, call, loaded, regular
from pdarts.nets.backends.cpu.node_sum import added, evaluated
from pdarts.nets.backends.form import Part, Unit

NAME = "pdarts"
COMPARED = False

LARGEST = 7
"""Largest size of windows."""


def suits(x: Tensor) -> bool:
    """Tell whether these kernels compute on feature maps like `x`."""
    return _readable(x) and not torch.is_autocast_enabled("cpu") and loaded() is not None


def shape(part: Part) -> tuple[int, int, int, int] | None:
    """Compute the shape of a part's term of the sum; None if PyTorch must compute it, or raise its error."""
    x, units, scale, kept = part
    if not _readable(x):
        return None
    number, channels, height, width = x.shape
    if kept is not None and (kept.shape != (number, 1, 1, 1) or kept.requires_grad or not _alike(x, kept)):
        return None
    if scale is not None:
        affine = units and (units[-1].weight is not None or units[-1].bias is not None)
        if affine or scale.dim() or not _alike(x, scale):
            return None
    for unit in units:
        if not (_alike(x, *unit.tensors) and _fits(unit, channels, height, width)):
            return None
        channels, height, width = unit.behind(channels, height, width)
        if unit.training and number * height * width == 1:
            return None
    return number, channels, height, width


def _readable(x: Tensor) -> bool:
    return x.is_cpu and x.dtype in NAMES and x.dim() == 4 and x.numel() > 0


def _alike(x: Tensor, *tensors: Tensor | None) -> bool:
    return all(tensor is None or (tensor.dtype == x.dtype and tensor.is_cpu) for tensor in tensors)


def _fits(unit: Unit, channels: int, height: int, width: int) -> bool:
    """Tell whether the kernels compute this unit on so many channels, and can write its running statistics."""
    dense, depthwise, stride = unit.dense, unit.depthwise, unit.stride
    out, _, _ = unit.behind(channels, height, width)
    of_norm = (unit.weight, unit.bias, unit.running_mean, unit.running_var)
    if any(tensor is not None and tensor.shape != (out,) for tensor in of_norm):
        return False
    if not (unit.running_mean.is_contiguous() and unit.running_var.is_contiguous()) or stride not in (1, 2):
        return False
    if dense is None:
        return depthwise is None and stride == 1
    size = dense.shape[-1]
    if dense.shape != (out, channels, size, size) or (depthwise is not None and size > 1):
        return False
    if depthwise is not None:
        size = depthwise.shape[-1]
        if depthwise.shape != (channels, 1, size, size):
            return False
    elif size == 1:  # without windows
        return unit.rectified and (stride == 1 or out % 2 == height % 2 == width % 2 == 0)
    return size % 2 == 1 and size <= LARGEST


def node_sum(parts: Sequence[Part], momentum: float, epsilon: float) -> Tensor:
    """Sum parts that have one type and one `shape`.

    Args:
        parts: at least one.
        momentum: of the running statistics, which are updated by units in training.
        epsilon: of BatchNorm.
    """
    values = {id(part.x): regular(part.x) for part in parts}
    parts = [
        part._replace(x=values[id(part.x)], kept=None if part.kept is None else part.kept.contiguous())
        for part in parts
    ]
    moving = any(unit.training for part in parts for unit in part.units)
    return (added if moving or torch.is_grad_enabled() else evaluated)(parts, (momentum, epsilon))


def pool(x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
    """Take the maximum or mean of windows, padded to keep the size; padding does not count in the mean.

    Args:
        x: shape (N, C, H, W).
        largest: whether to take the maximum.
        size: of the windows, odd, at most 7.
        stride: 1 or 2.
    """
    return _Pool.apply(x, largest, size, stride)


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
        x = regular(x)
        number, channels, height, width = x.shape
        sizes = number, channels, channels, height, width, size, stride, 1
        ctx.shape = library.shape(*sizes, False, True, True, torch.get_num_threads(), x.stride(0), 0, 0)
        ctx.largest = largest
        out = x.new_empty(number, channels, -(-height // stride), -(-width // stride))
        call("pool", x.dtype, ctypes.byref(ctx.shape), largest, x.data_ptr(), out.data_ptr())
        ctx.save_for_backward(x)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        gradient, gradient_x = regular(gradient), x.new_empty(x.shape)
        tensors = (gradient.data_ptr(), gradient.stride(0), x.data_ptr(), gradient_x.data_ptr())
        call("pool_backward", x.dtype, ctypes.byref(ctx.shape), ctx.largest, *tensors)
        return gradient_x, None, None, None


def dropout(x: Tensor, rate: Tensor, seed: Tensor) -> Tensor:
    """Compute the same as `pdarts.nets.drop_path.dropped`, from a `rate` and a `seed` on the CPU."""
    return _Dropout.apply(x, float(rate), int(seed))


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
    threshold = min(math.ceil(rate * 2**32 - 0.5), 2**32 - 1)
    factor, threads = 1 / (1 - rate), torch.get_num_threads()
    call("dropout", x.dtype, x.numel(), seed, threshold, factor, threads, x.data_ptr(), out.data_ptr())
    return out
