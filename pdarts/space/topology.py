"""Nodes and edges of a cell in the search space, and which cells of a network reduce.

Source: Liu et al. 2019 (arXiv:1806.09055), sections 2.1, 2.4 and 3.1.1; Chen et al. 2019 (arXiv:1904.12760),
section 3.1.
"""

from pdarts.errors import InputError

INPUTS = 2
"""Input nodes: 0 is the output of the cell before the previous one, 1 that of the previous one."""

INTERMEDIATE = 4
"""Intermediate nodes 2 to 5; a cell's output is their concatenation along the channels."""

NODES = range(INPUTS, INPUTS + INTERMEDIATE)
"""The intermediate nodes."""

EDGES = tuple((source, target) for target in NODES for source in range(target))
"""All edges of a cell, ordered by target node, then source node."""

EDGES_INTO_NODE = 2
"""Edges into every intermediate node that a genotype keeps."""

EDGES_KEPT = EDGES_INTO_NODE * INTERMEDIATE
"""Edges that a genotype keeps of a cell: the most skip connections that it can have."""

KINDS = ("normal", "reduction")
"""Kinds of cell; all cells of a kind share their architecture."""


def incoming(node: int) -> list[int]:
    """Indices in `EDGES` of the edges that end at `node`."""
    return [index for index, (_, target) in enumerate(EDGES) if target == node]


def reductions(cells: int) -> tuple[int, int]:
    """Indices of the two reduction cells of a network, after one and two thirds of its `cells` cells."""
    return cells // 3, 2 * cells // 3


def kinds_of_cells(cells: int) -> list[str]:
    """Kind of every cell of a network that has `cells` cells."""
    return [KINDS[index in reductions(cells)] for index in range(cells)]


def check_max_skips(max_skips: int | None) -> None:
    """Refuse a limit on skip connections that no cell could exceed or meet; None means no limit.

    Raises:
        InputError: if it is not from 0 to the number of edges that a cell keeps.
    """
    if max_skips is not None and not 0 <= max_skips <= EDGES_KEPT:
        raise InputError(
            f"--max-skips is {max_skips}; allowed: 0 to {EDGES_KEPT}, the edges of a cell, or leave it out"
        )
