"""Says what the architecture weights of an epoch stand for: a cell, its size, and how undecided they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Any

import torch
from torch import Tensor

from pdarts.errors import InputError
from pdarts.nets.count import parameters
from pdarts.nets.network import Network
from pdarts.progressive.methods.darts import Method
from pdarts.progressive.refinement import derive
from pdarts.space.architecture import Architecture
from pdarts.space.genotype import Genotype
from pdarts.space.operations import SKIP
from pdarts.space.topology import KINDS, NODES, incoming

SHARE = 1e-6
"""Largest distance from 1 of the sum of weights that share a 1, as those of a softmax do in single precision."""


@dataclass(frozen=True)
class Size:
    """Stem, depth and width of the network whose cells are counted."""

    stem: str
    cells: int
    channels: int


def trace(architecture: Architecture, method: type[Method], max_skips: int | None, size: Size) -> dict[str, Any]:
    """Describe the cells that a search would have found, had it ended with these weights.

    Args:
        architecture: weights after an epoch.
        method: decides how edges are selected.
        max_skips: skip limit of the search; None for no limit.
        size: of the network in which parameters are counted.

    Returns:
        `genotype`; `skips` of its normal cell, and `unlimited_skips` of that without limit; `parameters` of all cells
        of a network; and `entropy` by kind of cell. Where the weights yield no cell, all but `entropy` are None.
    """
    found, unlimited = _derived(architecture, method, max_skips), _derived(architecture, method, None)
    return {
        "genotype": found and found.to_json(),
        "skips": found and _skips(found),
        "unlimited_skips": unlimited and _skips(unlimited),
        "parameters": found and _parameters(found, size),
        "entropy": {kind: entropy(architecture, kind) for kind in KINDS},
    }


def entropy(architecture: Architecture, kind: str) -> float:
    """Measure how undecided the weights of a kind of cell are, from 0 (decided) to 1 (all choices are open).

    It is the mean over all choices. Where the weights of every edge sum to 1, an edge is one choice among its
    operations, and its entropy is divided by that of equal weights. Otherwise each operation is a choice of its own,
    to be in the cell or not, with the entropy of a coin that falls so. With weights of edges, the edges into each node
    are one more choice.
    """
    weights = architecture.weights[kind]
    if bool(((weights.sum(dim=1) - 1).abs() < SHARE).all()):
        choices = [_normalized(row) for row in weights]
    else:
        choices = [_normalized(torch.stack([weight, 1 - weight])) for weight in weights.flatten()]
    choices += [_normalized(edges) for edges in _edges_into_nodes(architecture, kind)]
    return sum(choices) / len(choices)


def _normalized(shares: Tensor) -> float:
    return float(torch.special.entr(shares).sum()) / log(len(shares))


def _edges_into_nodes(architecture: Architecture, kind: str) -> Iterator[Tensor]:
    if architecture.edge_weights is not None:
        yield from (architecture.edge_weights[kind][incoming(node)] for node in NODES)


def _derived(architecture: Architecture, method: type[Method], max_skips: int | None) -> Genotype | None:
    """Derive a genotype; None if the weights yield none, as where too few of them are strong enough."""
    try:
        found = derive(architecture, method, max_skips)
        for kind in KINDS:
            found.cell(kind)
    except InputError:
        return None
    return found


def _skips(genotype: Genotype) -> int:
    return sum(edge.operation == SKIP for edge in genotype.cell("normal").edges)


@cache
def _parameters(genotype: Genotype, size: Size) -> int:
    with torch.device("meta"):  # where nothing is drawn
        network = Network(genotype, size.stem, size.cells, size.channels, classes=1, auxiliary=False)
    return parameters(network.cells)
