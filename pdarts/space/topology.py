"""Nodes and edges of a cell in the search space.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.1; Chen et al. 2019 (arXiv:1904.12760), section 3.1.
"""

INPUTS = 2
"""Input nodes: 0 is the output of the cell before the previous one, 1 that of the previous one."""

INTERMEDIATE = 4
"""Intermediate nodes 2 to 5; a cell's output is their concatenation along the channels."""

NODES = range(INPUTS, INPUTS + INTERMEDIATE)
"""The intermediate nodes."""

EDGES = tuple((source, target) for target in NODES for source in range(target))
"""All 14 edges, ordered by target node, then source node."""

KINDS = ("normal", "reduction")
"""Kinds of cell; all cells of a kind share their architecture."""


def incoming(node: int) -> list[int]:
    """Places in `EDGES` of the edges that end at `node`."""
    return [place for place, (_, target) in enumerate(EDGES) if target == node]
