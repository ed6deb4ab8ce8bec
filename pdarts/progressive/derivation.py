"""Rules that select the edges of a cell by architecture weights. They act on the results of searches alone.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.4.
"""

from pdarts.errors import InputError
from pdarts.space.topology import EDGES_INTO_NODE, NODES, incoming

Strengths = list[dict[str, float]]
"""The weights of all candidates but `none`, a dict per edge of `EDGES`."""

Selection = dict[int, str]
"""The edges that a cell keeps, by index in `EDGES` in rising order, each with its operation."""


def strongest(strengths: Strengths, later_wins: bool) -> Selection:
    """Select the two strongest edges into every node, each with its strongest operation.

    Args:
        strengths: weights on all edges.
        later_wins: whether the later operation and the later edge win a tie, instead of the earlier ones.

    Raises:
        InputError: if fewer than two edges into a node have an operation.
    """
    favoured_first = -1 if later_wins else 1  # sorting is stable, and max takes the first of equals
    operations = {
        edge: max([*candidates][::favoured_first], key=candidates.__getitem__)
        for edge, candidates in enumerate(strengths)
        if candidates
    }
    selected: list[int] = []
    for node in NODES:
        usable = [edge for edge in incoming(node) if edge in operations][::favoured_first]
        if len(usable) < EDGES_INTO_NODE:
            raise InputError(
                f"node {node}: fewer than {EDGES_INTO_NODE} edges have an operation besides none; keep more operations"
            )
        selected += sorted(usable, key=lambda edge: -strengths[edge][operations[edge]])[:EDGES_INTO_NODE]
    return {edge: operations[edge] for edge in sorted(selected)}
