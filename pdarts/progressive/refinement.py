"""From architecture weights to a genotype, with at most so many skip connections.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.4, for the choice; Chen et al. 2019 (arXiv:1904.12760),
section 3.3, for the limit on skip connections.
"""

from collections.abc import Callable

from pdarts.errors import InputError
from pdarts.progressive.derivation import Chosen, Strengths
from pdarts.progressive.methods.darts import Method
from pdarts.space.architecture import Architecture
from pdarts.space.genotype import Genotype, Pairs, Triples
from pdarts.space.operations import SKIP
from pdarts.space.topology import EDGES, NODES


def derive(architecture: Architecture, method: type[Method], max_skips: int | None) -> Genotype:
    """The cells that the architecture weights stand for.

    Where edges have weights of their own they count as factors.

    Args:
        architecture: what a stage ended with.
        method: how edges are chosen and listed.
        max_skips: skip connections that the normal cell may keep; None for no limit. The reduction cell has none.

    Raises:
        InputError: if too few edges are usable, or the limit cannot be met with these candidates.
    """
    normal, reduction = _strengths(architecture, "normal"), _strengths(architecture, "reduction")
    of_normal = method.choose(normal) if max_skips is None else refine(normal, max_skips, method.choose)
    of_reduction = method.choose(reduction)
    list_edges = LISTINGS[method.listing]
    return Genotype(list_edges(of_normal, normal), tuple(NODES), list_edges(of_reduction, reduction), tuple(NODES))


def refine(strengths: Strengths, max_skips: int, choose: Callable[[Strengths], Chosen]) -> Chosen:
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


def _by_source(chosen: Chosen, strengths: Strengths) -> Pairs:
    return tuple((name, EDGES[place][0]) for place, name in chosen.items())


def _by_strength(chosen: Chosen, strengths: Strengths) -> Pairs:
    places = sorted(chosen, key=lambda place: (EDGES[place][1], -strengths[place][chosen[place]]))
    return _by_source({place: chosen[place] for place in places}, strengths)


def _with_targets(chosen: Chosen, strengths: Strengths) -> Triples:
    return tuple((name, EDGES[place][1], EDGES[place][0]) for place, name in chosen.items())


LISTINGS: dict[str, Callable[[Chosen, Strengths], Pairs | Triples]] = {
    "by source": _by_source,
    "by strength": _by_strength,
    "with targets": _with_targets,
}
"""How the edges of a cell are listed."""
