"""DARTS-: beside its candidates every edge has an auxiliary skip connection, which fades away in the course of a stage.

Source: Chu et al. 2021 (arXiv:2009.01027), section 3.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from pdarts.nets.node import Branch, NodeValue
from pdarts.nets.operations import BUILDERS
from pdarts.nets.supernet import MixedOperation, Parameters, Weights
from pdarts.progressive.methods import darts
from pdarts.settings.methods import AuxiliarySkip
from pdarts.settings.searches import StageSettings
from pdarts.space.operations import SKIP

DECAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda progress: 1 - progress,
    "cosine": lambda progress: (1 + torch.cos(math.pi * progress)) / 2,
    "slow_cosine": lambda progress: torch.cos(math.pi * progress / 2),
}
"""Functions from the fraction of epochs that are over to the fraction of the auxiliary skip's weight that is left."""


class AuxiliaryMixedOperation(MixedOperation):
    """An edge with an auxiliary skip connection, which has parameters where the edge strides."""

    def __init__(self, candidates: tuple[str, ...], channels: int, stride: int) -> None:
        super().__init__(candidates, channels, stride)
        self.auxiliary = BUILDERS[SKIP](channels, stride, True)

    def forward(self, source: NodeValue, weights: Sequence[Tensor], skip_dropout: Tensor | None) -> Iterator[Branch]:
        """Yield the candidates, then the auxiliary skip times the last of `weights`, without dropout."""
        *operation_weights, auxiliary_weight = weights
        yield from super().forward(source, operation_weights, skip_dropout)
        yield Branch(self.auxiliary, source, auxiliary_weight)


class Method(darts.Method):
    """DARTS with another kind of edge; no genotype contains the auxiliary skip."""

    def __init__(self, settings: StageSettings) -> None:
        super().__init__(settings)
        assert isinstance(settings, AuxiliarySkip)
        self.first, self.decay = settings.auxiliary_weight, DECAYS[settings.auxiliary_decay]

    def edge(self, candidates: tuple[str, ...], channels: int, stride: int) -> MixedOperation:
        """Build an edge that takes the weight of its auxiliary skip last."""
        return AuxiliaryMixedOperation(candidates, channels, stride)

    def auxiliary_weight(self, epoch: Tensor) -> Tensor:
        """Weight of the auxiliary skip in an epoch, which counts from 0."""
        return self.first * self.decay(epoch / self.settings.epochs)

    def weights(self, parameters: Parameters, epoch: Tensor) -> Weights:
        """Weights of operations, then of the auxiliary skip: shape (edges, operations + 1)."""
        auxiliary = self.auxiliary_weight(epoch)
        return {
            kind: torch.cat([rows, auxiliary.to(rows.dtype).expand(len(rows), 1)], dim=1)
            for kind, rows in super().weights(parameters, epoch).items()
        }
