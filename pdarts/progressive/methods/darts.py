"""DARTS of first order; every other method changes a part of it.

Source: Liu et al. 2019 (arXiv:1806.09055), sections 2.2 to 2.4.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor
from torch.nn import functional as F

from pdarts.nets.supernet import MixedOperation, Parameters, Supernet, Weights, small_alphas
from pdarts.progressive.bilevel import Batch, Outcome, Point, descend
from pdarts.progressive.derivation import Selection, Strengths, strongest
from pdarts.settings.searches import StageSettings
from pdarts.space.architecture import Architecture
from pdarts.space.candidates import Candidates


class Method:
    """All that depends on the method in a stage, whose loop is in `pdarts.progressive.stage`.

    An `epoch` is its number as a scalar tensor, from 0, so that torch computes what changes from epoch to epoch.

    Args:
        settings: the stage's settings, the method's own keys among them.
    """

    listing: ClassVar[Literal["by source", "by strength", "with targets"]] = "by source"
    """The order and form in which a genotype lists edges; `with targets` is for nodes that may have fewer than two."""

    def __init__(self, settings: StageSettings) -> None:
        self.settings = settings

    def edge(self, candidates: tuple[str, ...], channels: int, stride: int) -> MixedOperation:
        """Build one edge of the supernet, which sums its branches."""
        return MixedOperation(candidates, channels, stride)

    def parameters(self, candidates: Mapping[str, Candidates]) -> Parameters:
        """Draw initial architecture parameters: per kind of cell `alpha`, shape (edges, operations)."""
        return small_alphas(candidates)

    def relax(self, alphas: Tensor) -> Tensor:
        """Turn alphas of shape (edges, operations) into architecture weights of that shape, each from 0 to 1."""
        return alphas.softmax(dim=1)

    def edge_weights(self, parameters: Parameters) -> Mapping[str, Tensor] | None:
        """Factors of whole edges, per kind of cell, shape (edges,); None if the method has no such factors."""
        return None

    def weights(self, parameters: Parameters, epoch: Tensor) -> Weights:
        """Factors of the branches of every edge, in the order in which `edge` takes them."""
        return {kind: self.relax(alphas) for kind, alphas in parameters["alpha"].items()}

    def training_weights(self, point: Point, batch: Batch) -> Weights:
        """The factors that hold while network weights are updated on `batch`."""
        return self.weights(point.supernet.architecture_parameters, point.epoch)

    def alphas_penalty(self, parameters: Parameters, epoch: Tensor) -> Tensor | float:
        """A scalar that is added to the cross-entropy in the alphas' loss."""
        return 0.0

    def weights_penalty(self, parameters: Parameters, epoch: Tensor) -> Tensor | float:
        """A scalar that is added to the cross-entropy in the network weights' loss."""
        return 0.0

    def update_alphas(self, point: Point, batch: Batch, train_batch: Batch) -> Outcome:
        """Update the alphas by the gradient on a batch of their own images.

        Args:
            point: what is trained, and the epoch.
            batch: images that train alphas.
            train_batch: images of the update of the network weights that comes next.
        """
        supernet, parameters, (images, labels) = point.supernet, point.supernet.architecture_parameters, batch

        def forward() -> Outcome:
            logits = supernet(images, self.weights(parameters, point.epoch), point.skip_dropout)
            return F.cross_entropy(logits, labels) + self.alphas_penalty(parameters, point.epoch), logits

        return descend(supernet, supernet.alphas(), point.alphas, self.settings.alphas.clip, labels, forward)

    def update_weights(self, point: Point, batch: Batch) -> Outcome:
        """Update the network weights by the gradient on a batch of their own images."""
        supernet, parameters, (images, labels) = point.supernet, point.supernet.architecture_parameters, batch

        def forward() -> Outcome:
            logits = supernet(images, self.training_weights(point, batch), point.skip_dropout)
            return F.cross_entropy(logits, labels) + self.weights_penalty(parameters, point.epoch), logits

        return descend(supernet, supernet.weights(), point.weights, self.settings.weights.clip, labels, forward)

    def architecture(self, supernet: Supernet) -> Architecture:
        """The present weights of operations and edges, relaxed in double precision, on the CPU."""
        exact = {
            name: {kind: parameter.detach().cpu().double() for kind, parameter in of_kinds.items()}
            for name, of_kinds in supernet.architecture_parameters.items()
        }
        relaxed = {kind: self.relax(alphas) for kind, alphas in exact["alpha"].items()}
        return Architecture(supernet.candidates, relaxed, self.edge_weights(exact))

    @classmethod
    def select(cls, strengths: Strengths) -> Selection:
        """Select the edges that a cell keeps, each with one operation; settings have no influence on it.

        Raises:
            InputError: if too few edges have an operation.
        """
        return strongest(strengths, later_wins=False)
