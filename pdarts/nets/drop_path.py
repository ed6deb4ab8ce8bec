"""Drop path: whole branches of single samples are left out in training."""

from torch import Tensor


def drop_path(x: Tensor, rate: float) -> Tensor:
    """Zero each sample's branch with probability `rate` and scale the rest, so that the mean stays.

    Args:
        x: a branch, shape (N, C, H, W).
        rate: from 0 to below 1.

    Source: Larsson et al. 2017 (arXiv:1605.07648).
    """
    kept = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(1 - rate)
    return x * (kept / (1 - rate))
