"""SDARTS: network weights are trained under perturbed architecture weights, random ones or the worst that are found.

Source: Chen and Hsieh 2020 (arXiv:2002.05283), section 4.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional as F

from pdarts.engine import distributed
from pdarts.nets.supernet import Supernet, Weights
from pdarts.progressive.bilevel import Batch, Point, gradients, learning
from pdarts.progressive.methods import darts
from pdarts.settings.methods import Perturbation
from pdarts.settings.searches import StageSettings

ATTACKS = 7
"""Iterations in which an adversarial perturbation is looked for."""


class Method(darts.Method):
    """DARTS whose network weights are updated under perturbed architecture weights; nothing else is perturbed."""

    def __init__(self, settings: StageSettings) -> None:
        super().__init__(settings)
        assert isinstance(settings, Perturbation)
        self.kind, self.radii = settings.perturbation, settings.radius

    def radius(self, epoch: Tensor) -> Tensor:
        """The largest perturbation of a single weight in an epoch, which counts from 0."""
        first, last = self.radii
        return first + (last - first) * epoch / self.settings.epochs

    def draw(self, weights: Tensor) -> Tensor:
        """Draw a tensor like `weights`, uniform from -1 to 1, the same in all processes."""
        drawn = 2 * torch.rand_like(weights) - 1
        distributed.copy_from_first([drawn])
        return drawn

    @torch.no_grad()
    def training_weights(self, point: Point, batch: Batch) -> Weights:
        """Weights within the radius of the relaxed alphas, projected; the loss is not differentiated through them."""
        relaxed = super().training_weights(point, batch)
        radius = self.radius(point.epoch)
        perturbed = {kind: project(rows + radius * self.draw(rows)) for kind, rows in relaxed.items()}
        return perturbed if self.kind == "random" else self._attacked(point, batch, relaxed, perturbed, radius)

    def _attacked(self, point: Point, batch: Batch, relaxed: Weights, start: Weights, radius: Tensor) -> Weights:
        """Climb from `start` to weights with a higher loss; returns `relaxed` if the loss is no higher in the end.

        All processes compute with the running statistics of the first one, which alone a resume file keeps.
        """
        distributed.copy_from_first(point.supernet.buffers())
        perturbed, (images, labels) = start, batch
        with evaluating(point.supernet):
            for _ in range(ATTACKS):
                leaves = {kind: rows.clone().requires_grad_() for kind, rows in perturbed.items()}
                with torch.enable_grad():
                    loss = F.cross_entropy(point.supernet(images, leaves), labels)
                rising = dict(zip(leaves, gradients(loss, list(leaves.values()), labels), strict=True))
                perturbed = {}
                for kind, rows in relaxed.items():
                    moved = leaves[kind].detach() + 2 * radius / ATTACKS * rising[kind].sign()
                    perturbed[kind] = project(rows + (moved - rows).clamp(-radius, radius))
            losses = [F.cross_entropy(point.supernet(images, weights), labels) for weights in (relaxed, perturbed)]
        before, after = distributed.averaged(losses, len(labels))
        return {kind: torch.where(before > after, rows, perturbed[kind]) for kind, rows in relaxed.items()}


@contextmanager
def evaluating(supernet: Supernet) -> Iterator[None]:
    """A context in which no pass moves a running statistic or keeps gradients of parameters."""
    supernet.eval()
    try:
        with learning(supernet, []):
            yield
    finally:
        supernet.train()


def project(weights: Tensor) -> Tensor:
    """Clamp to 0 and 1, and scale rows to the sum 1; a row without a positive number becomes 1 at its largest one."""
    clamped = weights.clamp(0, 1)
    largest = torch.zeros_like(weights).scatter(1, weights.argmax(dim=1, keepdim=True), 1.0)
    rows = torch.where(clamped.sum(dim=1, keepdim=True) == 0, largest, clamped)
    return rows / rows.sum(dim=1, keepdim=True)
