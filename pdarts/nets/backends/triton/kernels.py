"""Units, sums of nodes, pooling and dropout on a GPU, in Triton.

A unit's ReLU, depthwise and pointwise convolution are one kernel, forward and backward, and so are all parts of a sum;
units of one shape that leave different nodes are one launch. Triton comes with PyTorch where there are GPUs, and is
imported when it first computes. Without it, and for whatever it does not know, PyTorch computes.
"""

import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import Tensor

from pdarts.nets.backends.form import Part, Unit

NAME = "triton"
COMPARED = True

OLDEST = (3, 8)
"""Oldest version of Triton that these kernels were compiled with."""
CAPABILITY = (8, 0)
"""Oldest kind of GPU that they are compiled for."""
LARGEST = 7
"""Largest size of windows."""
MOST = 2**31 - 2**16
"""Number of values in feature maps that is too large: kernels count in 32 bits, up to a block beyond them."""


def suits(x: Tensor) -> bool:
    """Tell whether these kernels compute on feature maps like `x`."""
    return _readable(x) and (_interpreted() or (x.is_cuda and _capable(x.device))) and _present()


@cache
def _present() -> bool:
    """Tell whether Triton is there; have it keep what it compiles where other processes find it."""
    try:
        numbers = version("triton").split(".")[:2]
    except PackageNotFoundError:
        return False
    if tuple(map(int, numbers)) < OLDEST:
        return False
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault("TRITON_CACHE_DIR", str(cache_folder / "pdarts" / "triton"))
    return True


@cache
def _capable(device: torch.device) -> bool:
    return torch.version.hip is None and torch.cuda.get_device_capability(device) >= CAPABILITY


def _interpreted() -> bool:
    """Tell whether Triton's interpreter computes, on any device."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def shape(part: Part) -> tuple[int, int, int, int] | None:
    """Compute the shape of a part's term of the sum; None if PyTorch must compute it, or raise its error."""
    x, units, scale, kept = part
    if not _readable(x):
        return None
    number, channels, height, width = x.shape
    if kept is not None and (kept.shape != (number, 1, 1, 1) or kept.requires_grad or not _precise(x, kept)):
        return None
    if scale is not None and ((units and units[-1].weight is not None) or scale.dim() or not _precise(x, scale)):
        return None
    for place, unit in enumerate(units):
        if not (_precise(x, *unit.tensors) and _fits(unit, channels, place == 0, len(units) == 1)):
            return None
        channels, height, width = unit.behind(channels, height, width)
        pixels = number * height * width
        if (unit.training and pixels == 1) or pixels * channels >= MOST:
            return None
    return number, channels, height, width


def _readable(x: Tensor) -> bool:
    return x.dtype in (torch.float32, torch.bfloat16) and x.dim() == 4 and 0 < x.numel() < MOST


def _precise(x: Tensor, *tensors: Tensor | None) -> bool:
    return all(each is None or (each.dtype == torch.float32 and each.device == x.device) for each in tensors)


def _fits(unit: Unit, channels: int, first: bool, alone: bool) -> bool:
    """Tell whether the kernels compute this unit on so many channels, and can write its running statistics."""
    dense, depthwise = unit.dense, unit.depthwise
    out, _, _ = unit.behind(channels, 1, 1)
    of_norm = unit.weight, unit.bias, unit.running_mean, unit.running_var
    if any(each is not None and (each.shape != (out,) or not each.is_contiguous()) for each in of_norm):
        return False
    if (unit.weight is None) != (unit.bias is None) or unit.stride not in (1, 2):
        return False
    if dense is None:
        return alone and depthwise is None and unit.stride == 1
    if dense.shape != (out, channels, 1, 1) or not unit.rectified or not _packed(dense):
        return False
    if depthwise is None:
        return first and unit.stride == 1
    size = depthwise.shape[-1]
    return depthwise.shape == (channels, 1, size, size) and size % 2 == 1 and size <= LARGEST and _packed(depthwise)


def _packed(weight: Tensor) -> bool:
    """Tell whether a weight lies like a contiguous one, as it also does with channels last."""
    return weight.is_contiguous() or weight.is_contiguous(memory_format=torch.channels_last)


def node_sum(parts: Sequence[Part], momentum: float, epsilon: float) -> Tensor:
    """Sum parts that have one type and one `shape`.

    Args:
        parts: at least one.
        momentum: of the running statistics, which are updated by units in training.
        epsilon: of BatchNorm.
    """
    from pdarts.nets.backends.triton.node_sum import added

    return added(parts, (momentum, epsilon))


def pool(x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
    """Take the maximum or mean of windows, padded to keep the size; padding does not count in the mean.

    Args:
        x: shape (N, C, H, W).
        largest: whether to take the maximum.
        size: of the windows, odd, at most 7.
        stride: 1 or 2.
    """
    from pdarts.nets.backends.triton.pooling import pooled

    return pooled(x, largest, size, stride)


def dropout(x: Tensor, rate: Tensor, seed: Tensor) -> Tensor:
    """Compute the same as `pdarts.nets.drop_path.dropped`, from a `rate` and a `seed` on the device of `x`."""
    from pdarts.nets.backends.triton.pooling import dropped

    return dropped(x, rate, seed)
