"""From architecture weights to a genotype, with at most so many skip connections.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.4, for the choice; Chen et al. 2019 (arXiv:1904.12760),
section 3.3, for the limit on skip connections.
"""

from collections.abc import Mapping

from pdarts.errors import InputError
from pdarts.space.architecture import Architecture
from pdarts.space.genotype import Genotype, Pairs
from pdarts.space.operations import SKIP
from pdarts.space.topology import EDGES, NODES, incoming

Strengths = list[dict[str, float]]
"""Per edge of `EDGES`: the weight of every candidate but `none`."""


def derive(architecture: Architecture, max_skips: int | None) -> Genotype:
    """The cells that the architecture weights stand for.

    Where edges have weights of their own they count as factors, and a node's edges come in order of falling weight
    instead of rising source (Xu et al. 2020, arXiv:1907.05737).

    Args:
        architecture: what a stage ended with.
        max_skips: skip connections that the normal cell may keep; None for no limit. The reduction cell has none.

    Raises:
        InputError: if a node has no two usable edges, or the limit cannot be met with these candidates.
    """
    normal, reduction = _strengths(architecture, "normal"), _strengths(architecture, "reduction")
    chosen = choose(normal) if max_skips is None else refine(normal, max_skips)
    falling = architecture.edge_weights is not None
    cells = [_pairs(cell, strengths, falling) for cell, strengths in ((chosen, normal), (choose(reduction), reduction))]
    return Genotype(cells[0], tuple(NODES), cells[1], tuple(NODES))


def choose(strengths: Strengths) -> dict[int, str]:
    """The strongest operation on the two strongest edges into every node, as {place in `EDGES`: operation}.

    On a tie the later operation wins, and the earlier edge. Edges of a node come in the order of their sources.

    Raises:
        InputError: if fewer than two edges into a node have an operation.
    """
    strongest = {
        place: max(reversed(operations), key=operations.__getitem__)
        for place, operations in enumerate(strengths)
        if operations
    }
    chosen: dict[int, str] = {}
    for node in NODES:
        usable = [place for place in incoming(node) if place in strongest]
        if len(usable) < 2:
            raise InputError(f"node {node}: fewer than two edges have an operation besides none; keep more operations")
        usable.sort(key=lambda place: -strengths[place][strongest[place]])
        chosen |= {place: strongest[place] for place in sorted(usable[:2])}
    return chosen


def refine(strengths: Strengths, max_skips: int) -> dict[int, str]:
    """Choose, and while there are too many skip connections, strike the weakest chosen one and choose again.

    Raises:
        InputError: if too many are left when all chosen ones are struck already.
    """
    strengths = [dict(operations) for operations in strengths]
    while True:
        chosen = choose(strengths)
        skips = [place for place, name in chosen.items() if name == SKIP]
        if len(skips) <= max_skips:
            return chosen
        weakest = min(skips, key=lambda place: strengths[place][SKIP])
        if strengths[weakest][SKIP] == 0:
            raise InputError(
                f"max_skips is {max_skips}, but these candidates leave at least {len(skips)} skip connections; "
                f"allowed here: {len(skips)} to 8"
            )
        strengths[weakest][SKIP] = 0.0


def _strengths(architecture: Architecture, kind: str) -> Strengths:
    weights = architecture.weights[kind]
    if architecture.edge_weights is not None:
        weights = weights * architecture.edge_weights[kind][:, None]
    return [
        {name: weight for name, weight in zip(names, row, strict=True) if name != "none"}
        for names, row in zip(architecture.candidates[kind], weights.tolist(), strict=True)
    ]


def _pairs(chosen: Mapping[int, str], strengths: Strengths, falling: bool) -> Pairs:
    places = list(chosen)
    if falling:
        places.sort(key=lambda place: (EDGES[place][1], -strengths[place][chosen[place]]))
    return tuple((chosen[place], EDGES[place][0]) for place in places)
