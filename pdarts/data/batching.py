"""How images are put into batches, whichever images these are."""

from dataclasses import dataclass

import torch

from pdarts.data.share import WHOLE, Share
from pdarts.settings.augmentation import AnyAugmentation


@dataclass(frozen=True)
class Batching:
    """Size, augmentation and device of batches, and the share of them that a process takes."""

    batch_size: int
    """Images per batch, over all processes."""
    augmentation: AnyAugmentation | None
    """Random changes in shuffled passes; None for none."""
    device: torch.device
    """Where batches are put together."""
    share: Share = WHOLE
    """The images of every batch that this process takes."""
