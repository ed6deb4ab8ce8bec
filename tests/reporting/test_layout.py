"""Nothing in a drawn cell covers anything else."""

from itertools import combinations, pairwise

import pytest

from pdarts.reporting.layout import CellGraph, arrange
from pdarts.space.topology import KINDS
from tests.genotypes import published

CHAIN = CellGraph(tuple(("skip_connect", node) for source in range(5) for node in (0, source + 1)), (2, 3, 4, 5, 6))
"""Every node is fed by the one before: the most columns, and the most lines that pass them."""

GRAPHS = [
    *(
        CellGraph(*published(name).cell(kind))
        for name in ("PDARTS", "DARTS_V1", "NASNet", "AmoebaNet")
        for kind in KINDS
    ),
    CHAIN,
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
    for node in range(graph.output + 1):
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
    two_nodes_of_both_inputs = CellGraph((("skip_connect", 0), ("skip_connect", 1)) * 2, (2, 3))
    assert crossings(two_nodes_of_both_inputs) == 1


def test_a_line_that_only_feeds_the_concatenation_reaches_no_operation() -> None:
    graph = CellGraph(*published("PDARTS").cell("normal"))
    assert graph.reach(2) == graph.depths[graph.output]
    assert graph.reach(2, through_operations=True) == 0
