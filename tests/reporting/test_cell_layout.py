"""Nothing in a drawn cell covers anything else."""

from collections.abc import Iterable
from itertools import combinations, pairwise

import pytest

from pdarts.reporting.cell_layout import CellGraph, arrange
from pdarts.space.genotype import CellGenotype, Edge
from pdarts.space.topology import KINDS
from tests.genotypes import published


def graph_of(edges: Iterable[tuple[int, int]], *concat: int) -> CellGraph:
    """A cell of skips from sources to targets."""
    skips = tuple(Edge("skip_connect", source, target) for source, target in edges)
    return CellGraph(CellGenotype(skips, concat, drops_nodes=False))


CHAIN = graph_of(((source, node) for node in range(2, 7) for source in (0, node - 1)), 2, 3, 4, 5, 6)
"""Every node is fed by the one before: the most columns, and the most lines that pass them."""

GRAPHS = [
    *(
        CellGraph(published(name).cell(kind))
        for name in ("PDARTS", "DARTS_V1", "NASNet", "AmoebaNet", *(f"FairDARTS_{letter}" for letter in "abcdefg"))
        for kind in KINDS
    ),
    CHAIN,
    graph_of([(0, 4), (4, 5)], 4),
]


@pytest.mark.parametrize("graph", GRAPHS)
def test_everything_in_a_column_has_its_room(graph: CellGraph) -> None:
    for depth, column in enumerate(arrange(graph)):
        for (upper, above), (lower, below) in pairwise(column.items()):
            needed = (graph.height(upper, depth) + graph.height(lower, depth)) / 2
            assert above - below >= needed - 1e-9


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_node_stands_once_behind_all_its_sources(graph: CellGraph) -> None:
    places = [(node, depth) for depth, column in enumerate(arrange(graph)) for node in column]
    assert {node for node, _ in places} == set(graph.nodes)
    for node in graph.nodes:
        (own,) = [depth for other, depth in places if other == node and graph.depths[node] == depth]
        assert all(graph.depths[source] < own for source in graph.sources(node))


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_line_passes_every_column_on_its_way(graph: CellGraph) -> None:
    columns = arrange(graph)
    for depth, column in enumerate(columns[1:], 1):
        assert all(source in columns[depth - 1] for source, _ in graph.links(tuple(column), depth))


def crossings(graph: CellGraph) -> int:
    columns = arrange(graph)
    count = 0
    for depth, column in enumerate(columns[1:], 1):
        before = columns[depth - 1]
        for (a, b), (c, d) in combinations(graph.links(tuple(column), depth), 2):
            count += (before[a] - before[c]) * (column[b] - column[d]) < 0
    return count


def test_lines_cross_as_little_as_the_cell_allows() -> None:
    assert crossings(CHAIN) == 0
    two_nodes_of_both_inputs = graph_of([(0, 2), (1, 2), (0, 3), (1, 3)], 2, 3)
    assert crossings(two_nodes_of_both_inputs) == 1


def test_a_line_that_only_feeds_the_concatenation_reaches_no_operation() -> None:
    graph = CellGraph(published("PDARTS").cell("normal"))
    assert graph.reach(2) == graph.depths[graph.output]
    assert graph.reach(2, through_operations=True) == 0


def test_a_node_of_one_operation_takes_less_room_than_one_of_two() -> None:
    graph = CellGraph(published("FairDARTS_b").cell("normal"))
    two, one, *_ = (graph.height(node, graph.depths[node]) for node in graph.cell.nodes)
    assert one < two
