"""Sums over an epoch that stay on the device until somebody reads them."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from pdarts.engine import distributed


class Tally:
    """Loss and accuracy over all images that this process has seen since it was made."""

    def __init__(self, device: torch.device) -> None:
        self.images = 0
        self._sums = torch.zeros(3, dtype=torch.float64, device=device)

    def clear(self) -> None:
        """Forget all images."""
        self.images = 0
        self._sums.zero_()

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes."""
        return {"images": self.images, "sums": self._sums.cpu()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from another tally's state."""
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

    def of_all_processes(self) -> "Tally":
        """That of the images of all processes."""
        everywhere = Tally(self._sums.device)
        everywhere.images = int(distributed.total(torch.tensor(self.images)))
        everywhere._sums = distributed.total(self._sums)
        return everywhere

    @property
    def loss(self) -> float:
        """Mean loss of an image."""
        return self._sums[0].item() / self.images

    @property
    def top1(self) -> float:
        """Images whose label has the largest logit, in percent."""
        return 100 * self._sums[1].item() / self.images

    @property
    def top5(self) -> float:
        """Images whose label is among the five largest logits, in percent."""
        return 100 * self._sums[2].item() / self.images


def evaluate(
    logits_of: Callable[[Tensor], Tensor], batches: Iterable[tuple[Tensor, Tensor]], device: torch.device
) -> Tally:
    """Score every image once, with plain cross-entropy; the tally is that of all processes.

    Args:
        logits_of: from images to logits, in evaluation mode.
        batches: images and labels, of this process.
        device: where they are.
    """
    tally = Tally(device)
    with torch.no_grad():
        for images, labels in batches:
            if len(labels):  # a last batch may have nothing for this process
                logits = logits_of(images)
                tally.add(F.cross_entropy(logits, labels), logits, labels)
    return tally.of_all_processes()
