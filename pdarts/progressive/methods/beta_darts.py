"""beta-DARTS: the alphas' loss has a term that keeps alphas small and near each other, more of it in every epoch.

Source: Ye et al. 2022 (arXiv:2203.01665), section 3.
"""

from torch import Tensor

from pdarts.nets.supernet import Parameters
from pdarts.progressive.methods import darts
from pdarts.settings.methods import BetaDecay
from pdarts.settings.searches import StageSettings


class Method(darts.Method):
    """DARTS with a term in the alphas' loss."""

    def __init__(self, settings: StageSettings) -> None:
        super().__init__(settings)
        assert isinstance(settings, BetaDecay)
        self.slope = 0.5 if settings.beta_decay == "half_an_epoch" else 50 / settings.epochs

    def decay_weight(self, epoch: Tensor) -> Tensor:
        """Weight of the term in an epoch, which counts from 0."""
        return self.slope * epoch

    def alphas_penalty(self, parameters: Parameters, epoch: Tensor) -> Tensor:
        """Log-sum-exp of each edge's alphas: the weighted sum of its means over normal and over reduction edges."""
        means = [alphas.logsumexp(dim=1).mean() for alphas in parameters["alpha"].values()]
        return self.decay_weight(epoch) * sum(means)
