"""Drop path and dropout, in training."""

import torch
from torch import Tensor
from torch.nn import functional as F

from pdarts.nets.node import backend


def kept(x: Tensor, rate: float) -> Tensor:
    """Factors, shape (N, 1, 1, 1), that zero each sample's branch with probability `rate` and scale the rest.

    Args:
        x: what a branch is computed of, shape (N, C, H, W).
        rate: from 0 to below 1.

    Source: Larsson et al. 2017 (arXiv:1605.07648).
    """
    sample = x.new_empty(x.shape[0], 1, 1, 1)
    drawn = _compilable(sample, rate) if torch.compiler.is_compiling() else sample.bernoulli_(1 - rate)
    return drawn / (1 - rate)


def dropped(x: Tensor, rate: float) -> Tensor:
    """Zero single values with probability `rate`, from 0 to below 1, and scale the rest, so that the mean stays.

    Source: Srivastava et al. 2014 (Journal of Machine Learning Research 15).
    """
    if torch.compiler.is_compiling():
        return x * (_compilable(x, rate) / (1 - rate))
    computing = backend(x)
    return F.dropout(x, rate) if computing is None else computing.dropout(x, rate)


def _compilable(x: Tensor, rate: float) -> Tensor:
    """What is kept; torch's own functions would make each epoch's rate part of the code, and compile it anew."""
    return (torch.rand_like(x) >= rate).to(x.dtype)
