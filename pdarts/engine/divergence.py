"""Notices that training diverges: that its loss or its weights are no longer finite."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from pdarts.engine.metrics import Tally

INTERVAL = 50
"""Iterations from one look at the losses to the next on a GPU."""


class LossWatch:
    """Looks at sums of losses without waiting for a GPU: they are copied after its work, and read at the next look.

    Args:
        tallies: hold the sums.
        device: the device that computes.
    """

    def __init__(self, tallies: Sequence[Tally], device: torch.device) -> None:
        self.tallies, self.waits = tallies, device.type == "cuda"
        if self.waits:
            self._copied = torch.zeros(len(tallies), dtype=torch.float64, pin_memory=True)
            self._done = torch.cuda.Event()

    def finite(self, iteration: int) -> bool:
        """Whether all losses were finite up to this iteration; on a GPU, up to one of the 99 before it."""
        if not self.waits:
            return self.finite_at_last()
        if iteration % INTERVAL:
            return True
        finite = not self._done.query() or bool(self._copied.isfinite().all())
        self._copied.copy_(torch.stack([tally.loss_sum for tally in self.tallies]), non_blocking=True)
        self._done.record()
        return finite

    def finite_at_last(self) -> bool:
        """Whether all losses were finite; waits for the device."""
        return all(math.isfinite(tally.loss_sum.item()) for tally in self.tallies)


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether all values of tensors are finite; waits for the device."""
    largest = get_total_norm([tensor for tensor in tensors if tensor.is_floating_point()], math.inf)
    return bool(largest.isfinite())
