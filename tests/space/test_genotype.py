"""Genotypes are read strictly."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pdarts.errors import InputError
from pdarts.space.genotype import CellGenotype, Edge, Genotype
from pdarts.space.topology import KINDS, NODES
from tests.genotypes import FOLDER, published

SHORT = {
    "s3": "sep_conv_3x3", "s5": "sep_conv_5x5", "d3": "dil_conv_3x3", "d5": "dil_conv_5x5", "mp": "max_pool_3x3",
    "ap": "avg_pool_3x3", "sk": "skip_connect",
}  # fmt: skip


def table() -> dict[str, list[str]]:
    """The cells of other methods as their authors published them, normal and reduction, by name."""
    text = Path(__file__).with_name("published.txt").read_text()
    rows = [[part.strip() for part in line.split("|")] for line in text.splitlines()]
    return {name: cells for name, *cells in rows}


def test_every_published_cell_reads_and_writes_back() -> None:
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    assert names == sorted(["AmoebaNet", "DARTS_V1", "DARTS_V2", "NASNet", "PDARTS", *table()])
    for name in names:
        plain = json.loads((FOLDER / f"{name}.json").read_text())
        assert published(name).to_json() == plain
        assert Genotype.parse(published(name).to_json(), name) == published(name)


@pytest.mark.parametrize("name", table())
def test_published_cells_are_those_of_the_table(name: str) -> None:
    plain = published(name).to_json()
    for key, cell in zip(("normal", "reduce"), table()[name], strict=True):
        edges = [
            (SHORT[edge[:2]], node, int(edge[3:]))
            for node, edges in enumerate(cell.split(" / "), 2)
            for edge in edges.split()
            if edge != "-"
        ]
        if not name.startswith("FairDARTS"):
            assert [node for _, node, _ in edges] == [2, 2, 3, 3, 4, 4, 5, 5]
            edges = [(operation, source) for operation, _, source in edges]  # type: ignore[misc]
        assert [tuple(entry) for entry in plain[key]] == edges
        assert plain[f"{key}_concat"] == [2, 3, 4, 5]


def test_pairs_and_triples_say_the_same_edges_and_differ_in_drop_path() -> None:
    pairs = published("PDARTS")
    edges = {name: pairs.cell(kind).edges for name, kind in (("normal", "normal"), ("reduce", "reduction"))}
    listed = {name: [[operation, target, source] for operation, source, target in edges[name]] for name in edges}
    triples = Genotype.parse(pairs.to_json() | listed, "mine.json")
    assert triples.to_json() == pairs.to_json() | listed
    for kind in KINDS:
        assert triples.cell(kind) == replace(pairs.cell(kind), drops_nodes=True)
        assert not pairs.cell(kind).drops_nodes
    assert triples != pairs


SKIP = ["skip_connect", 2, 0]


def cell_of(normal: list[list[Any]], *concat: int) -> CellGenotype:
    """A normal cell of triples; its output is of `concat`, of nodes 2 to 5 if none is given."""
    listed = list(concat or NODES)
    value = {"normal": normal, "normal_concat": listed, "reduce": [SKIP], "reduce_concat": [2, 3]}
    genotype = Genotype.parse(value, "mine.json")
    assert genotype.to_json() == value
    return genotype.cell("normal")


def test_a_node_without_edges_does_not_exist_nor_do_edges_from_it() -> None:
    cell = published("FairDARTS_c").cell("normal")
    assert cell.nodes == cell.concat == (2, 4, 5)
    assert cell.into(5) == (Edge("sep_conv_3x3", 0, 5),)  # without a skip from node 3
    assert len(cell.edges) == 5


def test_a_node_whose_edges_all_come_from_vanished_nodes_vanishes_too() -> None:
    chain = [["skip_connect", 4, 3], ["skip_connect", 4, 2], ["sep_conv_3x3", 5, 4], ["max_pool_3x3", 5, 1]]
    cell = cell_of(chain)
    assert cell.edges == (Edge("max_pool_3x3", 1, 5),)
    assert cell.nodes == cell.concat == (5,)


def test_the_output_concatenates_what_exists_of_the_nodes_listed() -> None:
    edges = [["skip_connect", 2, 0], ["sep_conv_3x3", 4, 2], ["skip_connect", 6, 4]]
    assert cell_of(edges, 2, 4, 6) == cell_of(edges, 2, 3, 4, 5, 6)
    assert cell_of(edges, 4, 5).concat == (4,)
    assert cell_of(edges, 4, 5).nodes == (2, 4, 6)


def broken(name: str = "PDARTS", **changes: Any) -> Any:
    return published(name).to_json() | changes


def fair(*normal: list[Any], **changes: Any) -> Any:
    return broken("FairDARTS_a", normal=list(normal), **changes)


PAIRS = [["skip_connect", 0], ["sep_conv_3x3", 1]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "has the keys normal, normal_concat, reduce, reduce_concat; found list"),
        ({"normal": []}, "found \\['normal'\\]"),
        (broken(normal=[*PAIRS, ["sep_conv_9x9", 0], ["skip_connect", 1]]), "unknown operation 'sep_conv_9x9'"),
        (broken(normal=[["none", 0], ["skip_connect", 1]]), "unknown operation 'none'"),
        (broken(reduce=[*PAIRS, ["skip_connect", 3], ["skip_connect", 1]]), "source 3 does not come before node 3"),
        (broken(reduce=[*PAIRS, ["skip_connect", -1], ["skip_connect", 1]]), "allowed: 0 to 2"),
        (broken(reduce=[*PAIRS, ["skip_connect", True], ["skip_connect", 1]]), "source is True"),
        (broken(normal=PAIRS * 2 + [["skip_connect", 0]]), "has 5 entries; allowed: two"),
        (broken(normal=[["skip_connect"], ["skip_connect", 1]]), "\\[0\\] is \\['skip_connect'\\]"),
        (broken(normal_concat=[2, 6]), "normal_concat is \\[2, 6\\]; allowed: a list of intermediate nodes, 2 to 5"),
        (broken(normal_concat=[]), "normal_concat is \\[\\]"),
        (broken(reduce_concat=[3, 2]), "in rising order"),
        (
            broken(normal=[]),
            "normal has 0 entries; allowed: two \\[operation, source\\] pairs .*, or \\[operation, target",
        ),
        (broken(reduce=7), "reduce has 7; allowed"),
        (broken(normal=[SKIP]), "reduce\\[0\\] is \\['avg_pool_3x3', 0\\]; allowed: \\[operation, target node, source"),
        (
            fair(SKIP, ["skip_connect", 1]),
            "normal\\[1\\] is \\['skip_connect', 1\\]; .* like other entries of the file",
        ),
        (fair(SKIP, ["skip_connect", 3, 1, 0]), "normal\\[1\\] is \\['skip_connect', 3, 1, 0\\]"),
        (fair(SKIP, ["none", 3, 1]), "normal\\[1\\]: unknown operation 'none'"),
        (fair(SKIP, [["skip_connect"], 3, 1]), "normal\\[1\\]: unknown operation \\['skip_connect'\\]"),
        (
            fair(["skip_connect", 0, 2]),
            "normal\\[0\\]: target 0 cannot stand here; allowed: 2 or above, since entries",
        ),
        (fair(["skip_connect", 3, 0], SKIP), "normal\\[1\\]: target 2 cannot stand here; allowed: 3 or above"),
        (fair(["skip_connect", "2", 0]), "target is the text '2'; allowed: the number of a node, 2 without quotes"),
        (fair(["skip_connect", True, 0]), "target is True; allowed: the number of a node"),
        (fair(["skip_connect", 2, "first"]), "source is the text 'first'; allowed: the number of a node$"),
        (
            broken(normal=[["skip_connect", "0"], *PAIRS[1:]]),
            "normal\\[0\\]: source is the text '0'; .* 0 without quotes",
        ),
        (broken(normal_concat=[2, "3"]), "normal_concat\\[1\\] is the text '3'; .* 3 without quotes"),
        (fair(["skip_connect", 2, 2]), "normal\\[0\\]: source 2 does not come before node 2; allowed: 0 to 1"),
        (fair(["skip_connect", 2, 0.0]), "source is 0.0; allowed: the number of a node"),
        (fair(SKIP, ["max_pool_3x3", 2, 0]), "normal\\[1\\]: node 2 has an edge from 0 already; allowed: 0 to 2 edges"),
        (
            fair(["skip_connect", 3, 0], ["skip_connect", 3, 1], ["skip_connect", 3, 2]),
            "normal\\[2\\]: node 3 has 2 edges, from 0 and 1 already",
        ),
        (fair(), "normal has no node for an output: .* of normal_concat, which is \\[2, 3, 4, 5\\]"),
        (fair(["skip_connect", 5, 4]), "normal has no node for an output"),
        (fair(SKIP, normal_concat=[3]), "normal has no node for an output: .* which is \\[3\\]"),
        (
            fair(SKIP, normal_concat=[2, 6]),
            "normal_concat is \\[2, 6\\]; allowed: a list of intermediate nodes, 2 to 5",
        ),
        (fair(["skip_connect", 7, 0], normal_concat=[7, 8]), "intermediate nodes, 2 to 7"),
        (broken("FairDARTS_a", reduce={}), "reduce is {}; allowed: a list of \\[operation, target node, source"),
        (broken("FairDARTS_a", reduce=[]), "reduce has no node for an output"),
    ],
)
def test_what_is_no_genotype_is_refused_by_name(value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Genotype.parse(value, "mine.json")
    assert str(caught.value).startswith("mine.json")
