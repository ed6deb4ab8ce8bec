"""The update of parameters by a gradient, in searches and trainings."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from pdarts.engine import distributed


def update(
    parameters: list[nn.Parameter],
    optimizer: Optimizer,
    clip: float | None,
    labels: Tensor,
    forward: Callable[[], tuple[Tensor, Tensor]],
) -> tuple[Tensor, Tensor]:
    """Update `parameters` by the gradient of the loss that `forward` computes, averaged over processes.

    Args:
        parameters: all that the optimizer moves.
        optimizer: the optimizer of these parameters.
        clip: largest norm of all their gradients together; None for no limit.
        labels: the batch's; their number weighs this process's gradient.
        forward: computes loss and logits of the batch, with their graph.

    Returns:
        The loss and the logits, detached.
    """
    optimizer.zero_grad()
    loss, logits = forward()
    loss.backward()
    distributed.average_gradients(parameters, len(labels))
    if clip is not None:
        clip_grad_norm_(parameters, clip)
    optimizer.step()
    return loss.detach(), logits.detach()
