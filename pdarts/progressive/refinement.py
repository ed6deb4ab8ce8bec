"""From architecture weights to a genotype, with at most so many skip connections.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.4, for the selection of edges; Chen et al. 2019
(arXiv:1904.12760), section 3.3, for the limit on skip connections.
"""

from collections.abc import Callable

from pdarts.errors import InputError
from pdarts.progressive.derivation import Selection, Strengths
from pdarts.progressive.methods.darts import Method
from pdarts.space.architecture import Architecture
from pdarts.space.genotype import Genotype, Pairs, Triples
from pdarts.space.operations import SKIP
from pdarts.space.topology import EDGES, EDGES_KEPT, NODES


def derive(architecture: Architecture, method: type[Method], max_skips: int | None) -> Genotype:
    """Derive the cells that the architecture weights stand for.

    Weights of edges, where there are any, multiply those of the operations on them.

    Args:
        architecture: the weights that a stage ended with.
        method: decides how edges are selected and listed.
        max_skips: most skip connections of the normal cell; None for no limit. The reduction cell has no limit.

    Raises:
        InputError: if too few edges are usable, or the limit cannot be met with these candidates.
    """
    normal, reduction = _strengths(architecture, "normal"), _strengths(architecture, "reduction")
    of_normal = method.select(normal) if max_skips is None else refine(normal, max_skips, method.select)
    of_reduction = method.select(reduction)
    list_edges = LISTINGS[method.listing]
    return Genotype(list_edges(of_normal, normal), tuple(NODES), list_edges(of_reduction, reduction), tuple(NODES))


def refine(strengths: Strengths, max_skips: int, select: Callable[[Strengths], Selection]) -> Selection:
    """Select edges; while these have too many skip connections, strike the weakest of them and select again.

    A struck skip connection has a strength of 0. It is selected again where its edge has no other operation.

    Raises:
        InputError: if too many are left although all selected ones are struck.
    """
    strengths = [dict(operations) for operations in strengths]
    while True:
        selected = select(strengths)
        skips = [edge for edge, name in selected.items() if name == SKIP]
        if len(skips) <= max_skips:
            return selected
        left = [edge for edge in skips if strengths[edge][SKIP] > 0]
        if not left:
            raise InputError(
                f"max_skips is {max_skips}, but these candidates leave at least {len(skips)} skip connections; "
                f"allowed here: {len(skips)} to {EDGES_KEPT}"
            )
        strengths[min(left, key=lambda edge: strengths[edge][SKIP])][SKIP] = 0.0


def _strengths(architecture: Architecture, kind: str) -> Strengths:
    weights = architecture.weights[kind]
    if architecture.edge_weights is not None:
        weights = weights * architecture.edge_weights[kind][:, None]
    return [
        {name: weight for name, weight in zip(names, row, strict=True) if name != "none"}
        for names, row in zip(architecture.candidates[kind], weights.tolist(), strict=True)
    ]


def _by_source(selected: Selection, strengths: Strengths) -> Pairs:
    return tuple((name, EDGES[edge][0]) for edge, name in selected.items())


def _by_strength(selected: Selection, strengths: Strengths) -> Pairs:
    edges = sorted(selected, key=lambda edge: (EDGES[edge][1], -strengths[edge][selected[edge]]))
    return _by_source({edge: selected[edge] for edge in edges}, strengths)


def _with_targets(selected: Selection, strengths: Strengths) -> Triples:
    return tuple((name, EDGES[edge][1], EDGES[edge][0]) for edge, name in selected.items())


LISTINGS: dict[str, Callable[[Selection, Strengths], Pairs | Triples]] = {
    "by source": _by_source,
    "by strength": _by_strength,
    "with targets": _with_targets,
}
"""Functions that list the edges of a cell, by the names that `Method.listing` takes."""
