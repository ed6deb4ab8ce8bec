"""SDARTS: network weights are trained under perturbed architecture weights, random ones or the worst that are found.

Source: Chen and Hsieh 2020 (arXiv:2002.05283), section 4.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from pdarts.engine import distributed
from pdarts.nets.supernet import Weights
from pdarts.progressive.bilevel import Batch, Point, gradients, learning
from pdarts.progressive.methods import darts
from pdarts.settings.methods import Perturbation
from pdarts.settings.searches import StageSettings

ATTACKS = 7
"""Steps in which an adversarial perturbation is looked for."""


class Method(darts.Method):
    """Weights steps see other architecture weights; all else, alphas too, never sees the perturbation."""

    def __init__(self, settings: StageSettings) -> None:
        super().__init__(settings)
        assert isinstance(settings, Perturbation)
        self.kind, self.radii = settings.perturbation, settings.radius

    def radius(self, epoch: int) -> float:
        """The largest perturbation of a single weight in an epoch, which counts from 0."""
        first, last = self.radii
        return first + (last - first) * epoch / self.settings.epochs

    def draw(self, weights: Tensor) -> Tensor:
        """Uniform numbers from -1 to 1, as many as there are weights, the same in all processes."""
        drawn = 2 * torch.rand_like(weights) - 1
        distributed.copy_from_first([drawn])
        return drawn

    @torch.no_grad()
    def training_weights(self, point: Point, batch: Batch) -> Weights:
        """Weights within the radius of the relaxed alphas, projected; constants of the step that they are used in."""
        relaxed = super().training_weights(point, batch)
        radius = self.radius(point.epoch)
        perturbed = {kind: project(rows + radius * self.draw(rows)) for kind, rows in relaxed.items()}
        return perturbed if self.kind == "random" else self._attacked(point, batch, relaxed, perturbed, radius)

    def _attacked(self, point: Point, batch: Batch, relaxed: Weights, start: Weights, radius: float) -> Weights:
        """Weights under which the loss is higher, from `start` on; `relaxed` where the search for them has failed."""
        perturbed = start
        for _ in range(ATTACKS):
            with torch.enable_grad():
                leaves = {kind: rows.clone().requires_grad_() for kind, rows in perturbed.items()}
                loss = self._evaluated(point, batch, leaves)
            rising = dict(zip(leaves, gradients(loss, list(leaves.values()), batch[1]), strict=True))
            perturbed = {}
            for kind, rows in relaxed.items():
                moved = leaves[kind].detach() + 2 * radius / ATTACKS * rising[kind].sign()
                perturbed[kind] = project(rows + (moved - rows).clamp(-radius, radius))
        losses = [self._evaluated(point, batch, weights) for weights in (relaxed, perturbed)]
        before, after = distributed.averaged(losses, len(batch[1]))
        return {kind: torch.where(before > after, rows, perturbed[kind]) for kind, rows in relaxed.items()}

    def _evaluated(self, point: Point, batch: Batch, weights: Weights) -> Tensor:
        """The loss in evaluation mode, which moves no running statistic."""
        images, labels = batch
        point.supernet.eval()
        try:
            with learning(point.supernet, []):
                return F.cross_entropy(point.supernet(images, weights), labels)
        finally:
            point.supernet.train()


def project(weights: Tensor) -> Tensor:
    """Rows of numbers from 0 to 1 that sum to 1; a row that has nothing above 0 becomes its largest number's place."""
    clamped = weights.clamp(0, 1)
    largest = torch.zeros_like(weights).scatter(1, weights.argmax(dim=1, keepdim=True), 1.0)
    rows = torch.where(clamped.sum(dim=1, keepdim=True) == 0, largest, clamped)
    return rows / rows.sum(dim=1, keepdim=True)
