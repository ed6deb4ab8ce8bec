"""P-DARTS: DARTS of first order whose ties go to the later edge and the later operation.

Stages, dropping of candidates, skip dropout and the limit on skip connections are settings of any search.

Source: Chen et al. 2019 (arXiv:1904.12760), section 3.
"""

from pdarts.progressive.derivation import Selection, Strengths, strongest
from pdarts.progressive.methods import darts


class Method(darts.Method):
    """DARTS with another rule for ties."""

    @classmethod
    def select(cls, strengths: Strengths) -> Selection:
        """Select as DARTS does, but prefer the last of equals."""
        return strongest(strengths, later_wins=True)
