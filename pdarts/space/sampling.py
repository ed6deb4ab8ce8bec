"""Random cells, the baseline of every search."""

from collections.abc import Sequence
from itertools import combinations
from random import Random
from typing import TypeVar

from pdarts.space.genotype import Genotype, Pairs
from pdarts.space.operations import SELECTABLE, SKIP
from pdarts.space.topology import EDGES_INTO_NODE, NODES

Item = TypeVar("Item")


def sample(generator: Random, max_skips: int | None) -> Genotype:
    """Draw both cells, each uniformly from all cells of the search space.

    Args:
        generator: source of random numbers; only its `random()` is called, which is the same in all versions of Python.
        max_skips: most skip connections of the normal cell; None for no limit. A cell with more is drawn again as a
            whole, so that all cells within the limit are equally likely. The reduction cell has no limit.
    """
    normal = sample_cell(generator)
    while max_skips is not None and sum(name == SKIP for name, _ in normal) > max_skips:
        normal = sample_cell(generator)
    return Genotype(normal, tuple(NODES), sample_cell(generator), tuple(NODES))


def sample_cell(generator: Random) -> Pairs:
    """Draw two different sources of every node, and for each any operation but `none`; all are equally likely."""
    pairs = []
    for node in NODES:
        sources = _pick(generator, tuple(combinations(range(node), EDGES_INTO_NODE)))
        pairs += [(_pick(generator, SELECTABLE), source) for source in sources]
    return tuple(pairs)


def _pick(generator: Random, items: Sequence[Item]) -> Item:
    return items[int(generator.random() * len(items))]
