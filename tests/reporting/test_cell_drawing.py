"""Drawings show the whole genotype, and are the same byte for byte."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb

from pdarts.errors import InputError
from pdarts.reporting.cell_drawing import draw
from pdarts.reporting.figures import OPERATION_COLORS, save
from pdarts.space.genotype import Genotype
from pdarts.space.operations import OPERATIONS
from pdarts.space.topology import KINDS
from tests.genotypes import FOLDER, published

CELLS = ("PDARTS", "DARTS_V1", "NASNet", "AmoebaNet", "FairDARTS_a", "FairDARTS_c")


def texts(svg: Path) -> Counter[str]:
    """How often each text stands in a drawing; SVG keeps it as text."""
    return Counter(
        "".join(element.itertext()).strip() for element in ElementTree.parse(svg).iter() if element.tag.endswith("text")
    )


@pytest.mark.parametrize("name", CELLS)
def test_every_operation_is_named_as_often_as_the_genotype_has_it(name: str, tmp_path: Path) -> None:
    genotype = published(name)
    save(draw(genotype), tmp_path / "cells.svg")
    shown = texts(tmp_path / "cells.svg")
    expected = Counter(edge.operation for kind in KINDS for edge in genotype.cell(kind).edges)
    assert {operation: shown[operation] for operation in OPERATIONS} == {name: expected[name] for name in OPERATIONS}


def test_every_intermediate_node_is_numbered_in_both_cells(tmp_path: Path) -> None:
    save(draw(published("NASNet")), tmp_path / "cells.svg")
    shown = texts(tmp_path / "cells.svg")
    assert [shown[str(node)] for node in range(6)] == [2, 2, 2, 2, 2, 0]


def test_nodes_that_do_not_exist_are_named_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    save(draw(published("FairDARTS_a")), tmp_path / "cells.svg")
    shown = texts(tmp_path / "cells.svg")
    assert [shown[str(node)] for node in range(5)] == [2, 1, 2, 2, 0]
    assert shown["without node 1"] == 1
    few = Genotype((("skip_connect", 5, 0),), (5,), (("skip_connect", 4, 0),), (4,))
    save(draw(few), tmp_path / "few.svg")
    shown = texts(tmp_path / "few.svg")
    assert shown["without nodes 0, 1, 2"] == shown["stride 2 on both inputs, without nodes 0, 1"] == 1


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_a_drawing_is_the_same_byte_for_byte(suffix: str, tmp_path: Path) -> None:
    for name in ("first", "second"):
        save(draw(published("PDARTS")), tmp_path / (name + suffix))
    assert (tmp_path / f"first{suffix}").read_bytes() == (tmp_path / f"second{suffix}").read_bytes()


def test_the_step_draws_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    save(draw(published("PDARTS")), tmp_path / "here.svg")
    command = [sys.executable, "-m", "pdarts.draw", "--genotype", str(FOLDER / "PDARTS.json")]
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    subprocess.run([*command, "--output", str(tmp_path / "there.svg")], check=True, env=environment)
    assert (tmp_path / "here.svg").read_bytes() == (tmp_path / "there.svg").read_bytes()


def test_an_unknown_suffix_is_refused_with_those_allowed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cells\.gif.*allowed: \.svg, \.pdf, \.png"):
        save(draw(published("PDARTS")), tmp_path / "cells.gif")


def test_every_operation_has_a_colour_of_its_own() -> None:
    assert set(OPERATION_COLORS) == set(OPERATIONS)
    assert len(set(OPERATION_COLORS.values())) == len(OPERATIONS)


def test_an_operation_of_the_users_own_has_a_colour_by_its_name_that_is_seen_on_white() -> None:
    names = ("mb_conv_3x3", "shuffle", "gabor")
    colors = [OPERATION_COLORS[name] for name in names]
    assert colors == ["#165898", "#166998", "#669816"]
    assert set(OPERATION_COLORS).isdisjoint(names)
    assert max(0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in map(to_rgb, colors)) < 0.6
