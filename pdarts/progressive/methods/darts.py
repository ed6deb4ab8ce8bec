"""DARTS of first order, which every other method changes in part.

Source: Liu et al. 2019 (arXiv:1806.09055), sections 2.2 to 2.4.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor
from torch.nn import functional as F

from pdarts.nets.supernet import MixedOperation, Parameters, Supernet, Weights, small_alphas
from pdarts.progressive.bilevel import Batch, Outcome, Point, descend
from pdarts.progressive.derivation import Chosen, Strengths, strongest
from pdarts.settings.searches import StageSettings
from pdarts.space.architecture import Architecture
from pdarts.space.candidates import Candidates


class Method:
    """What a stage does that depends on the method; the loop around it is `pdarts.progressive.stage`'s.

    Args:
        settings: of the stage, the method's own keys among them.
    """

    listing: ClassVar[Literal["by source", "by strength", "with targets"]] = "by source"
    """How a genotype lists the edges of a node; `with targets` is for cells whose nodes may have fewer than two."""

    def __init__(self, settings: StageSettings) -> None:
        self.settings = settings

    def edge(self, candidates: tuple[str, ...], channels: int, stride: int) -> MixedOperation:
        """One edge of the supernet, which sums its branches."""
        return MixedOperation(candidates, channels, stride)

    def parameters(self, candidates: Mapping[str, Candidates]) -> Parameters:
        """Initial values of what a search moves beside network weights: `alpha`, shape (edges, operations)."""
        return small_alphas(candidates)

    def relax(self, alphas: Tensor) -> Tensor:
        """Architecture weights of shape (edges, operations), each from 0 to 1, of alphas of that shape."""
        return alphas.softmax(dim=1)

    def edge_weights(self, parameters: Parameters) -> Mapping[str, Tensor] | None:
        """A factor for every edge as a whole, per kind of cell, shape (edges,); None where edges have none."""
        return None

    def weights(self, parameters: Parameters, epoch: int) -> Weights:
        """What scales the branches of every edge, in the order in which `edge` takes it."""
        return {kind: self.relax(alphas) for kind, alphas in parameters["alpha"].items()}

    def training_weights(self, point: Point, batch: Batch) -> Weights:
        """The same while network weights take a step on `batch`."""
        return self.weights(point.supernet.architecture_parameters, point.epoch)

    def alphas_penalty(self, parameters: Parameters, epoch: int) -> Tensor | float:
        """What the alphas' loss adds to the cross-entropy, a scalar."""
        return 0.0

    def weights_penalty(self, parameters: Parameters, epoch: int) -> Tensor | float:
        """What the network weights' loss adds to the cross-entropy, a scalar."""
        return 0.0

    def alphas_step(self, point: Point, batch: Batch, train_batch: Batch) -> Outcome:
        """Move the alphas along the gradient of a batch of their own images.

        Args:
            point: what is trained, and the epoch.
            batch: images of the alphas.
            train_batch: images of the weights step that comes next.
        """
        supernet, parameters, (images, labels) = point.supernet, point.supernet.architecture_parameters, batch

        def forward() -> Outcome:
            logits = supernet(images, self.weights(parameters, point.epoch), point.skip_dropout)
            return F.cross_entropy(logits, labels) + self.alphas_penalty(parameters, point.epoch), logits

        return descend(supernet, supernet.alphas(), point.alphas, self.settings.alphas.clip, labels, forward)

    def weights_step(self, point: Point, batch: Batch) -> Outcome:
        """Move the network weights along the gradient of a batch of training images."""
        supernet, parameters, (images, labels) = point.supernet, point.supernet.architecture_parameters, batch

        def forward() -> Outcome:
            logits = supernet(images, self.training_weights(point, batch), point.skip_dropout)
            return F.cross_entropy(logits, labels) + self.weights_penalty(parameters, point.epoch), logits

        return descend(supernet, supernet.weights(), point.weights, self.settings.weights.clip, labels, forward)

    def architecture(self, supernet: Supernet) -> Architecture:
        """The relaxed weights of operations and edges as they stand, in full double precision, on the CPU."""
        exact = {
            name: {kind: parameter.detach().cpu().double() for kind, parameter in of_kinds.items()}
            for name, of_kinds in supernet.architecture_parameters.items()
        }
        relaxed = {kind: self.relax(alphas) for kind, alphas in exact["alpha"].items()}
        return Architecture(supernet.candidates, relaxed, self.edge_weights(exact))

    @classmethod
    def choose(cls, strengths: Strengths) -> Chosen:
        """The edges of a cell that stay, with one operation each; settings play no part in it.

        Raises:
            InputError: if too few edges have an operation.
        """
        return strongest(strengths, later_wins=False)
