"""DARTS of second order: alphas follow their gradient through one virtual update of the network weights.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.3.
"""

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from pdarts.progressive.bilevel import Batch, Outcome, Point, gradients, learning
from pdarts.progressive.methods import darts

RADIUS = 0.01
"""Norm of the shift of all weights in the finite differences."""


class Method(darts.Method):
    """DARTS with another update of the alphas."""

    def update_alphas(self, point: Point, batch: Batch, train_batch: Batch) -> Outcome:
        """Update the alphas by their gradient through the coming update of the weights, with finite differences.

        The virtual network has running statistics of its own; loss and logits are those of the virtual network. Both
        updates are by `weights`: `training_weights` count in the update of the network weights that follows.
        """
        supernet, alphas, names = point.supernet, point.supernet.alphas(), point.supernet.weight_names()
        (group,) = point.weights.param_groups
        virtual = self._virtual_weights(point, train_batch)
        statistics = {name: buffer.clone() for name, buffer in supernet.named_buffers()}
        loss, logits = self._loss(point, batch, dict(zip(names, virtual, strict=True)) | statistics)
        loss = loss + self.alphas_penalty(supernet.architecture_parameters, point.epoch)
        of_virtual = gradients(loss, [*alphas, *virtual], batch[1])
        direct, directions = of_virtual[: len(alphas)], of_virtual[len(alphas) :]
        radius = RADIUS / torch.stack([direction.norm() for direction in directions]).norm()
        around = []
        for sign in (1, -1):
            shifted = [
                (weight + sign * radius * direction).detach()
                for weight, direction in zip(supernet.weights(), directions, strict=True)
            ]
            shifted_loss, _ = self._loss(point, train_batch, dict(zip(names, shifted, strict=True)))
            around.append(gradients(shifted_loss, alphas, train_batch[1]))
        for alpha, gradient, plus, minus in zip(alphas, direct, *around, strict=True):
            alpha.grad = gradient - group["lr"] * (plus - minus) / (2 * radius)
        if self.settings.alphas.clip is not None:
            clip_grad_norm_(alphas, self.settings.alphas.clip)
        point.alphas.step()
        return loss.detach(), logits.detach()

    def _virtual_weights(self, point: Point, batch: Batch) -> list[Tensor]:
        """The weights as `point.weights` would update them on `batch`; leaves of a new graph."""
        weights = point.supernet.weights()
        with learning(point.supernet, weights):
            loss, _ = self._loss(point, batch, {})
            of_weights = gradients(loss, weights, batch[1])
        (group,) = point.weights.param_groups
        virtual = []
        with torch.no_grad():
            for weight, gradient in zip(weights, of_weights, strict=True):
                direction = gradient + group["weight_decay"] * weight
                if (velocity := point.weights.state[weight].get("momentum_buffer")) is not None:
                    direction += group["momentum"] * velocity
                virtual.append((weight - group["lr"] * direction).requires_grad_())
        return virtual

    def _loss(self, point: Point, batch: Batch, replaced: dict[str, Tensor]) -> Outcome:
        """Loss and logits of the supernet with other tensors under the names in `replaced`, with their graph."""
        images, labels = batch
        weights = self.weights(point.supernet.architecture_parameters, point.epoch)
        logits = functional_call(point.supernet, replaced, (images, weights, point.skip_dropout))
        return F.cross_entropy(logits, labels), logits
