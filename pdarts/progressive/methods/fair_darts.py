"""Fair DARTS: every operation has a weight of its own from 0 to 1, which a loss drives to either end.

Source: Chu et al. 2020 (arXiv:1911.12126), sections 3 and 4.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from pdarts.nets.supernet import Parameters
from pdarts.progressive.derivation import Selection, Strengths
from pdarts.progressive.methods import darts
from pdarts.settings.methods import ZeroOneLoss
from pdarts.settings.searches import StageSettings
from pdarts.space.candidates import Candidates

THRESHOLD = 0.85
"""Least weight of the strongest operation on an edge that a cell keeps."""


class Method(darts.Method):
    """DARTS with sigmoids as relaxation, a term in both losses and another selection of edges."""

    listing: ClassVar = "with targets"

    def __init__(self, settings: StageSettings) -> None:
        super().__init__(settings)
        assert isinstance(settings, ZeroOneLoss)
        self.zero_one_weight = settings.zero_one_weight

    def parameters(self, candidates: Mapping[str, Candidates]) -> Parameters:
        """Alphas of 0, so that all operations weigh 0.5."""
        return {"alpha": {kind: torch.zeros(len(edges), len(edges[0])) for kind, edges in candidates.items()}}

    def relax(self, alphas: Tensor) -> Tensor:
        """The sigmoid of each alpha."""
        return alphas.sigmoid()

    def alphas_penalty(self, parameters: Parameters, epoch: Tensor) -> Tensor:
        """The weighted zero-one loss of both kinds of cell, unweighted from -0.25 (all weigh 0 or 1) to 0 (all 0.5)."""
        relaxed = torch.cat([self.relax(alphas).flatten() for alphas in parameters["alpha"].values()])
        return -self.zero_one_weight * (relaxed - 0.5).square().mean()

    weights_penalty = alphas_penalty
    """The term moves no network weight, but the loss that is logged includes it."""

    @classmethod
    def select(cls, strengths: Strengths) -> Selection:
        """Those edges of DARTS' selection that reach the threshold; no other edge takes the place of one that fails."""
        selected = super().select(strengths)
        return {edge: name for edge, name in selected.items() if strengths[edge][name] >= THRESHOLD}
