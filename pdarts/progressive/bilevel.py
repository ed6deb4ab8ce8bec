"""One step of the alphas, one step of the weights; each computes no gradient that the other would need.

Source: Liu et al. 2019 (arXiv:1806.09055), algorithm 1, first-order approximation.
"""

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from pdarts.nets.supernet import Supernet

Batch = tuple[Tensor, Tensor]
"""Images of shape (N, 3, H, W) and labels of shape (N,)."""


def alphas_step(
    supernet: Supernet, batch: Batch, optimizer: Optimizer, clip: float | None, skip_dropout: float
) -> tuple[Tensor, Tensor]:
    """Move the alphas along the gradient of a batch of their own images.

    Returns:
        Loss (a scalar) and logits, shape (N, classes), both detached and on the device.
    """
    return _step(supernet, supernet.alphas(), batch, optimizer, clip, skip_dropout)


def weights_step(
    supernet: Supernet, batch: Batch, optimizer: Optimizer, clip: float | None, skip_dropout: float
) -> tuple[Tensor, Tensor]:
    """Move the network weights along the gradient of a batch of training images.

    Returns:
        Loss (a scalar) and logits, shape (N, classes), both detached and on the device.
    """
    return _step(supernet, supernet.weights(), batch, optimizer, clip, skip_dropout)


def _step(
    supernet: Supernet,
    parameters: list[nn.Parameter],
    batch: Batch,
    optimizer: Optimizer,
    clip: float | None,
    skip_dropout: float,
) -> tuple[Tensor, Tensor]:
    images, labels = batch
    logits = supernet(images, skip_dropout)
    loss = F.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward(inputs=parameters)
    if clip is not None:
        clip_grad_norm_(parameters, clip)
    optimizer.step()
    return loss.detach(), logits.detach()
