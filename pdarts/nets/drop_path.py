"""Drop path and dropout, in training."""

from torch import Tensor
from torch.nn import functional as F

from pdarts.nets import cpu_kernels


def drop_path(x: Tensor, rate: float) -> Tensor:
    """Zero each sample's branch with probability `rate` and scale the rest, so that the mean stays.

    Args:
        x: a branch, shape (N, C, H, W).
        rate: from 0 to below 1.

    Source: Larsson et al. 2017 (arXiv:1605.07648).
    """
    kept = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(1 - rate)
    return x * (kept / (1 - rate))


def dropped(x: Tensor, rate: float) -> Tensor:
    """Zero single values with probability `rate`, from 0 to below 1, and scale the rest, so that the mean stays.

    Source: Srivastava et al. 2014 (Journal of Machine Learning Research 15).
    """
    return cpu_kernels.dropout(x, rate) if cpu_kernels.suit(x) else F.dropout(x, rate)
