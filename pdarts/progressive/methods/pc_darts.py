"""PC-DARTS: operations see a part of the channels, and every edge has a weight of its own, from its beta.

Source: Xu et al. 2020 (arXiv:1907.05737), section 3.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from pdarts.nets.node import Branch, NodeValue, node_sum
from pdarts.nets.operations import Identity
from pdarts.nets.supernet import MixedOperation, Parameters, Weights
from pdarts.progressive.methods import darts
from pdarts.settings.methods import PartialChannels
from pdarts.settings.searches import StageSettings
from pdarts.space.candidates import Candidates
from pdarts.space.topology import EDGES, KINDS, NODES, incoming


class PartialMixedOperation(MixedOperation):
    """An edge that mixes operations on the first 1/`divisor` of the channels only; the others bypass them."""

    def __init__(self, candidates: tuple[str, ...], channels: int, stride: int, divisor: int) -> None:
        super().__init__(candidates, channels // divisor, stride)
        self.stride, self.divisor = stride, divisor
        self.whole = Identity()

    def forward(self, source: NodeValue, weights: Sequence[Tensor], skip_dropout: Tensor | None) -> Iterator[Branch]:
        """Yield the edge, with its channels shuffled, times the edge's weight, which is the last of `weights`."""
        *operation_weights, edge_weight = weights
        part, rest = source.split(self.divisor, self.stride)
        mixed = node_sum(super().forward(part, operation_weights, skip_dropout)).value
        shuffled = F.channel_shuffle(torch.cat([mixed, rest], dim=1), self.divisor)
        yield Branch(self.whole, NodeValue(shuffled), edge_weight)


class Method(darts.Method):
    """DARTS with partial edges, whose genotype lists the stronger edge of a node first, as published cells do."""

    listing: ClassVar = "by strength"

    def __init__(self, settings: StageSettings) -> None:
        super().__init__(settings)
        assert isinstance(settings, PartialChannels)
        self.divisor = settings.partial_channels

    def edge(self, candidates: tuple[str, ...], channels: int, stride: int) -> MixedOperation:
        """Build an edge that takes its own weight last."""
        return PartialMixedOperation(candidates, channels, stride, self.divisor)

    def parameters(self, candidates: Mapping[str, Candidates]) -> Parameters:
        """Draw alphas, and per kind of cell `beta` of shape (edges,), from the same distribution."""
        alphas = super().parameters(candidates)
        return {**alphas, "beta": {kind: 0.001 * torch.randn(len(EDGES)) for kind in KINDS}}

    def edge_weights(self, parameters: Parameters) -> Mapping[str, Tensor]:
        """Softmax of the betas over the edges into each node."""
        into = [len(incoming(node)) for node in NODES]  # edges are listed node by node
        return {
            kind: torch.cat([betas.softmax(dim=0) for betas in of_kind.split(into)])
            for kind, of_kind in parameters["beta"].items()
        }

    def weights(self, parameters: Parameters, epoch: Tensor) -> Weights:
        """Weights of operations, then of the edge: shape (edges, operations + 1)."""
        of_operations, of_edges = super().weights(parameters, epoch), self.edge_weights(parameters)
        return {kind: torch.cat([rows, of_edges[kind][:, None]], dim=1) for kind, rows in of_operations.items()}
