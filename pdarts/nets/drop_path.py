"""Drop path and dropout, in training."""

import torch
from torch import Tensor

from pdarts.nets.node import backend
from pdarts.nets.operations import precise, times

BITS = 2**32 - 1


def kept(x: Tensor, rate: Tensor) -> Tensor:
    """Draw factors, shape (N, 1, 1, 1), that zero each image's branch with probability `rate` and scale the rest.

    They are float32, or float64 like `x`, and the same images are dropped in every precision.

    Args:
        x: the input of a branch, shape (N, C, H, W).
        rate: a scalar on the device of `x`, from 0 to below 1.

    Source: Larsson et al. 2017 (arXiv:1605.07648).
    """
    drawn = torch.rand(x.shape[0], 1, 1, 1, device=x.device, dtype=torch.float32)
    return (drawn >= rate).to(precise(x)) / (1 - rate)


def dropped(x: Tensor, rate: Tensor, seed: Tensor | None = None) -> Tensor:
    """Zero single values with probability `rate`, and scale the rest, so that the mean stays.

    Which values those are follows from the seed and their indices, as if `x` were contiguous: they are the same on all
    devices, in all memory layouts and with all backends.

    Args:
        x: feature maps, shape (N, C, H, W).
        rate: a scalar, float64, on the device of `x`, from 0 to below 1.
        seed: a scalar, int64, on the device of `x`; None draws one.

    Source: Srivastava et al. 2014 (Journal of Machine Learning Research 15).
    """
    if seed is None:
        seed = torch.randint(2**62, (), device=x.device)
    computing = backend(x)
    if computing is not None:
        return computing.dropout(x, rate, seed)
    return times(x, _hashed(x.shape, rate, seed) * (1 / (1 - rate)).to(precise(x)))


def _hashed(shape: torch.Size, rate: Tensor, seed: Tensor) -> Tensor:
    """Decide for each value whether it is kept, by a hash of its index and of both halves of the seed."""
    number = torch.arange(shape.numel(), device=seed.device).bitwise_xor_(seed).bitwise_and_(BITS)
    random = _mix(_mix(number).add_(seed >> 32).bitwise_and_(BITS))
    return (random.double() >= rate * 2**32 - 0.5).view(shape)


def _mix(number: Tensor) -> Tensor:
    """Mix 32 bits of each 64 in place, as MurmurHash3 does."""
    number.bitwise_xor_(number >> 16).mul_(0x85EBCA6B).bitwise_and_(BITS)
    number.bitwise_xor_(number >> 13).mul_(0xC2B2AE35).bitwise_and_(BITS)
    return number.bitwise_xor_(number >> 16)
