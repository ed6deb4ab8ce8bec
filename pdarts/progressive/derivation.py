"""Rules by which architecture weights choose the edges of a cell. No search depends on them: they act on its results.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.4.
"""

from pdarts.errors import InputError
from pdarts.space.topology import NODES, incoming

Strengths = list[dict[str, float]]
"""Per edge of `EDGES`: the weight of every candidate but `none`."""

Chosen = dict[int, str]
"""The operation on every edge that stays, by the edge's place in `EDGES`, in rising order."""


def strongest(strengths: Strengths, later_wins: bool) -> Chosen:
    """The strongest operation on the two strongest edges into every node.

    Args:
        strengths: of all edges.
        later_wins: whether the later operation and the later edge win a tie, instead of the earlier ones.

    Raises:
        InputError: if fewer than two edges into a node have an operation.
    """
    favoured_first = -1 if later_wins else 1  # sorting is stable, and max takes the first of equals
    operations = {
        place: max([*candidates][::favoured_first], key=candidates.__getitem__)
        for place, candidates in enumerate(strengths)
        if candidates
    }
    chosen: list[int] = []
    for node in NODES:
        usable = [place for place in incoming(node) if place in operations][::favoured_first]
        if len(usable) < 2:
            raise InputError(f"node {node}: fewer than two edges have an operation besides none; keep more operations")
        chosen += sorted(usable, key=lambda place: -strengths[place][operations[place]])[:2]
    return {place: operations[place] for place in sorted(chosen)}
