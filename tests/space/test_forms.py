"""Genotypes in the forms of others say the same cells, and what is wrong in them is named."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pdarts.errors import InputError
from pdarts.space import genotype_file
from pdarts.space.forms import writing
from pdarts.space.forms.nasbench301 import CONFIG, PREFIX
from pdarts.space.genotype import Genotype
from pdarts.space.sampling import sample
from pdarts.space.topology import EDGES, KINDS
from tests.genotypes import FOLDER, published

NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
PAIRS = (*[("sep_conv_3x3", 0), ("skip_connect", 1)] * 3, ("skip_connect", 1), ("dil_conv_3x3", 2))
CELL = Genotype(PAIRS, (2, 3, 4, 5), PAIRS, (2, 3, 4, 5))
EDGES_OF_CELL = str(list(PAIRS))


def as_printed(edges: object) -> str:
    """The text of `CELL`, whose edges are written like this."""
    return f"Genotype(normal={edges}, normal_concat=[2, 3, 4, 5], reduce={edges}, reduce_concat=range(2, 6))"


PRINTED = as_printed(EDGES_OF_CELL)
BROKEN = PRINTED.replace("[(", "[  # node 2 (first\n  (").replace(", reduce", ",\n\nreduce")
TRIPLES = "[('sep_conv_3x3', 2, 0), ('skip_connect', 4, 2)]"


def read(folder: Path, content: str | dict[str, Any], line: int | None = None) -> Genotype:
    """Read a file with this content, JSON if it is a dict, whose name says nothing of its form."""
    path = folder / "cell"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return genotype_file.read(path, line)


def edges_of(genotype: Genotype) -> list[Any]:
    """All edges of both cells, those of a node ordered by source, and the nodes that are concatenated."""
    cells = [genotype.cell(kind) for kind in KINDS]
    return [(sorted(cell.edges, key=lambda edge: (edge.target, edge.source)), cell.concat) for cell in cells]


@pytest.mark.parametrize("name", NAMES)
def test_a_published_cell_stays_the_same_through_other_forms_or_is_refused(name: str, tmp_path: Path) -> None:
    genotype = published(name)
    assert read(tmp_path, writing.printed(genotype)) == genotype
    full = all(len(genotype.cell(kind).edges) == 8 for kind in KINDS)
    assert full == (name not in {"AmoebaNet", "NASNet", *(f"FairDARTS_{letter}" for letter in "abcefg")})
    if full:
        assert edges_of(read(tmp_path, writing.nasbench301(genotype))) == edges_of(genotype)
    else:
        with pytest.raises(InputError, match="cannot be written in the form of NAS-Bench-301: normal has"):
            writing.nasbench301(genotype)


def test_random_cells_stay_the_same_through_other_forms(tmp_path: Path) -> None:
    generator = Random(0)
    for _ in range(200):
        genotype = sample(generator, None)
        assert read(tmp_path, genotype.to_json()) == genotype
        assert read(tmp_path, writing.printed(genotype)) == genotype
        assert read(tmp_path, writing.nasbench301(genotype)) == genotype
        assert read(tmp_path, {"budget": 98, CONFIG: writing.nasbench301(genotype)}) == genotype


@pytest.mark.parametrize(
    "text",
    [
        PRINTED,
        f"\ufeff{PRINTED}\n",
        f"12:03:59 epoch 7, it's (genotype = {PRINTED}) isn't [it",
        f"# Genotype, see below\nPDARTS: Genotype = {BROKEN}",
        PRINTED.replace("'", '"').replace("Genotype(", "genotypes.Genotype (\n"),
        PRINTED.replace("('", "(\u2018").replace("',", "\u2019,"),
        as_printed([list(PAIRS[first : first + 2]) for first in range(0, 8, 2)]),
        as_printed(tuple(zip(PAIRS[::2], PAIRS[1::2], strict=True))),
        json.dumps({"epoch": 7, "genotype": PRINTED}),
    ],
)  # fmt: skip
def test_a_printed_cell_is_found_between_words_across_lines_and_in_lists_of_nodes(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, text) == CELL


def test_printed_triples_are_read_flat_and_in_lists_of_nodes(tmp_path: Path) -> None:
    reduce = [[("skip_connect", 2, 1)], [], [("max_pool_3x3", 4, 0), ("skip_connect", 4, 2)]]
    text = f"Genotype(normal={TRIPLES}, normal_concat=range(2, 6), reduce={reduce}, reduce_concat=range(2, 6))"
    genotype = read(tmp_path, text)
    assert genotype.normal == (("sep_conv_3x3", 2, 0), ("skip_connect", 4, 2))
    assert genotype.reduce == (("skip_connect", 2, 1), ("max_pool_3x3", 4, 0), ("skip_connect", 4, 2))


def test_of_several_printed_cells_the_one_on_the_line_named_is_read(tmp_path: Path) -> None:
    other = PRINTED.replace("dil_conv_3x3", "dil_conv_5x5")
    text = f"{PRINTED}\n{other}\nlast: {PRINTED} {PRINTED}\n"
    assert read(tmp_path, text, 1) == CELL
    assert read(tmp_path, text, 2).normal[-1] == ("dil_conv_5x5", 2)
    for line, message in (
        (None, "cell has 4 genotypes, which begin on lines 1, 2, 3; allowed: one; copy one into a file of its own"),
        (3, "cell has 2 genotypes on line 3; allowed: one; copy"),
        (4, "cell: no genotype begins on line 4; allowed: 1, 2, 3$"),
    ):
        with pytest.raises(InputError, match=message):
            read(tmp_path, text, line)
    with pytest.raises(InputError, match="which begin on lines 1, 2, 3, 4, 5, …, 50; allowed"):
        read(tmp_path, f"{PRINTED}\n" * 50)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("dil_conv_3x3", "dil_conv_9x9", r"line 2: normal\[7\]: unknown operation 'dil_conv_9x9'; allowed: max_pool"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 5)", r"line 2: normal\[7\]: source 5 does not come before node 5"),
        ("('dil_conv_3x3', 2)", "\n('dil_conv_3x3', np.int64(2))", r"line 2: 'np\.int64\(2\)' stands on line 3"),
        ("'dil_conv_3x3'", "__import__('os').system('true')", r"line 2: .* stands on line 2; allowed: names in quotes"),
        ("range(2, 6)", "range(2, 10**9)", r"'range\(2, 10 \*\* 9\)' stands on line 2"),
        ("range(2, 6)", "range(2, 1000000000)", r"'range\(2, 1000000000\)' stands on line 2"),
        ("range(2, 6)", "range(2, 7)", r"line 2: reduce_concat is \[2, 3, 4, 5, 6\]; allowed: a list"),
        ("reduce=", "reduced=", "line 2: a genotype has the keys normal, .*; found"),
        ("reduce=", "normal=", "line 2: a genotype has each key once and by its name; found normal, normal_concat, n"),
        ("reduce=", "*", r"found \*, normal, normal_concat, reduce_concat"),
        ("reduce=", "**", r"found normal, normal_concat, \*\*, reduce_concat"),
        ("range(2, 6))", "range(2, 6)", "line 2: the genotype is cut off"),
        ("('dil_conv_3x3', 2)", "\n('dil_conv_3x3' 2)", "line 2: this is not what Python prints: .*, on line 3$"),
        (", 2)]", ", 2))", "line 2: this is not what Python prints: .*, on line 2$"),
        (EDGES_OF_CELL + ", n", f"[[{EDGES_OF_CELL[1:-1]}]], n", r"line 2: normal: node 2 has 8 edges; allowed: 2, o"),
        (f"reduce={EDGES_OF_CELL}", f"reduce={TRIPLES}", r"normal\[0\] is \['sep_conv_3x3', 0\]; allowed: \[operation"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_printed_cell_is_named_with_its_line(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    assert old in PRINTED
    with pytest.raises(InputError, match=f"cell, {message}" if message.startswith("line") else message):
        read(tmp_path, f"first line\n{PRINTED.replace(old, new, 1)}")


def test_edges_of_nas_bench_301_are_numbered_by_target_then_source(tmp_path: Path) -> None:
    chosen = {0: "sep_conv_3x3", 1: "sep_conv_5x5", 2: "skip_connect", 4: "max_pool_3x3"}
    chosen |= {7: "avg_pool_3x3", 8: "dil_conv_3x3", 9: "dil_conv_5x5", 13: "skip_connect"}
    inputs = {3: "0_2", 4: "2_3", 5: "0_4"}
    keys: dict[str, Any] = {f"{PREFIX}layers": 8}
    for cell in ("normal", "reduce"):
        keys |= {f"{PREFIX}edge_{cell}_{edge}": operation for edge, operation in chosen.items()}
        keys |= {f"{PREFIX}inputs_node_{cell}_{node}": pair for node, pair in inputs.items()}
    pairs = (
        *(("sep_conv_3x3", 0), ("sep_conv_5x5", 1), ("skip_connect", 0), ("max_pool_3x3", 2)),
        *(("avg_pool_3x3", 2), ("dil_conv_3x3", 3), ("dil_conv_5x5", 0), ("skip_connect", 4)),
    )
    assert read(tmp_path, keys) == Genotype(pairs, (2, 3, 4, 5), pairs, (2, 3, 4, 5))
    assert [EDGES[edge] for edge in chosen] == [(0, 2), (1, 2), (0, 3), (2, 3), (2, 4), (3, 4), (0, 5), (4, 5)]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("edge_normal_0", "sep_conv_7x7", "edge_normal_0, the edge from node 0 to node 2, is 'sep_conv_7x7'; allowed"),
        ("edge_normal_0", None, r"normal: edges into node 2 are edge_normal_1 \(from node 1\); allowed: 2 of them"),
        ("edge_reduce_4", "skip_connect", r"reduce: edges into node 3 are .*, edge_reduce_4 \(from node 2\); allow"),
        ("edge_normal_14", "skip_connect", "unknown key edge_normal_14; allowed: edge_normal_0 to 13 and inputs_node_"),
        ("inputs_node_normal_2", "0_1", "unknown key inputs_node_normal_2; allowed: .* inputs_node_normal_3 to 5"),
        ("inputs_node_normal_3", None, r"inputs_node_normal_3 is None, but edges into node 3 are edge_normal_2 \(from"),
        ("inputs_node_reduce_5", "0_2", "inputs_node_reduce_5 is '0_2', but edges into node 5 .*; allowed: '1_2'"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_nas_bench_301s_json_is_named_by_its_key(
    key: str, value: str | None, message: str, tmp_path: Path
) -> None:
    keys = writing.nasbench301(CELL) | {PREFIX + key: value}
    with pytest.raises(InputError, match=f"cell: {message}"):
        read(tmp_path, {name: held for name, held in keys.items() if held is not None})


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        (
            published("NASNet"),
            r"normal has nodes \[2, 3, 4, 5, 6\] and concatenates \[2, 3, 4, 5, 6\]; allowed: \[2, 3",
        ),
        (published("FairDARTS_b"), "normal has node 3 with 1 input; allowed: 2 different ones for each node"),
        (Genotype((("skip_connect", 0),) * 8, (2, 3, 4, 5), PAIRS, (2, 3, 4, 5)), "normal has node 2 with 1 input"),
        (Genotype(PAIRS, (2, 3, 4, 5), PAIRS, (3, 4, 5)), r"reduce has nodes .* and concatenates \[3, 4, 5\]"),
        (
            Genotype((("sep_conv_7x7", 0), *PAIRS[1:]), (2, 3, 4, 5), PAIRS, (2, 3, 4, 5)),
            "normal has sep_conv_7x7 on the edge from node 0 to node 2; allowed: max_pool_3x3, ",
        ),
    ],
)
def test_a_cell_outside_of_nas_bench_301s_space_is_not_written_in_its_form(genotype: Genotype, message: str) -> None:
    with pytest.raises(InputError, match=message):
        writing.nasbench301(genotype)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Genotype", r"cell: not a genotype file: it has no Genotype\(normal=…\), and is not JSON either: Expecting"),
        (b'{"normal": [["sep', "cell: not a genotype file: .* is not JSON either: Unterminated string"),
        (b"\xff\xfeG\x00", "cell: its byte 0 is not text in UTF-8; name a genotype file, or save it as UTF-8"),
        (b"[" * 200_000, "cell: not a genotype file: .* is not JSON either: maximum recursion depth"),
        (b"Genotype(normal=" + b"-" * 100_000 + b"1)", "cell, line 1: this is not what Python prints: ."),
        (b"Genotype(normal=1) Genotype(normal=1)", "cell has 2 genotypes on line 1; allowed: one; copy one of them"),
        (b"[]", "cell: a genotype has the keys normal, normal_concat, reduce, reduce_concat; found list"),
        (
            b'{"optimized_hyperparamater_config": 3}',
            "cell: optimized_hyperparamater_config is 3; allowed: keys such as",
        ),
        (None, "cell cannot be read .Is a directory.; name a genotype file"),
    ],
)
def test_a_file_of_no_form_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "cell"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        genotype_file.read(path)


def test_a_node_that_is_computed_for_nothing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = CELL.to_json()
    read(tmp_path, cell)
    assert capsys.readouterr().err == ""
    read(tmp_path, {**cell, "normal_concat": [2, 3, 4]})
    warning = capsys.readouterr().err
    assert re.fullmatch(r"warning: \S+: node 5 of the normal cell is computed for nothing: no operation .+\n", warning)


def test_a_line_is_refused_where_no_genotype_is_printed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cell has no Genotype\(normal=…\) on any line; leave out the line"):
        read(tmp_path, CELL.to_json(), 1)
