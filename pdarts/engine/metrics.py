"""Sums over an epoch, which stay on the device until they are read."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from pdarts.engine import distributed


class Tally:
    """Loss and accuracy over all images that this process has added to it."""

    def __init__(self, device: torch.device) -> None:
        self.images = 0
        self._sums = torch.zeros(3, dtype=torch.float64, device=device)

    def clear(self) -> None:
        """Forget all images."""
        self.images = 0
        self._sums.zero_()

    def state_dict(self) -> dict[str, Any]:
        """The counts, as `load_state_dict` takes them."""
        return {"images": self.images, "sums": self._sums.cpu()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the counts of another tally."""
        self.images = state["images"]
        self._sums.copy_(state["sums"])

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count a batch.

        Args:
            loss: mean loss of the batch, a scalar.
            logits: shape (N, classes).
            labels: shape (N,).
        """
        top5 = logits.topk(min(5, logits.shape[1])).indices == labels[:, None]  # (N, 5)
        sums = torch.stack([loss.double() * len(labels), top5[:, 0].sum().double(), top5.sum().double()])
        self._sums += sums
        self.images += len(labels)

    def over_processes(self) -> "Tally":
        """The tally over the images of all processes."""
        everywhere = Tally(self._sums.device)
        everywhere.images = int(distributed.summed(torch.tensor(self.images)))
        everywhere._sums = distributed.summed(self._sums)
        return everywhere

    @property
    def loss_sum(self) -> Tensor:
        """The sum of losses over all images, a scalar on the device."""
        return self._sums[0]

    @property
    def loss(self) -> float:
        """Mean loss over all images."""
        return self._sums[0].item() / self.images

    @property
    def top1(self) -> float:
        """Percentage of images whose label has the largest logit."""
        return 100 * self._sums[1].item() / self.images

    @property
    def top5(self) -> float:
        """Percentage of images whose label is among the five largest logits."""
        return 100 * self._sums[2].item() / self.images


def evaluate(
    logits_of: Callable[[Tensor], Tensor], batches: Iterable[tuple[Tensor, Tensor]], device: torch.device
) -> Tally:
    """Score every image once, with plain cross-entropy; the tally is over all processes.

    Args:
        logits_of: turns images into logits, in evaluation mode.
        batches: images and labels, this process's share of each batch.
        device: device of the images.
    """
    tally = Tally(device)
    with torch.no_grad():
        for images, labels in batches:
            if len(labels):  # a last batch may have nothing for this process
                logits = logits_of(images)
                tally.add(F.cross_entropy(logits, labels), logits, labels)
    return tally.over_processes()
