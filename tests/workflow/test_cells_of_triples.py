"""A cell of a user's own with none to two edges a node, printed in a log, goes through the workflow like any other."""

import json

import pytest

from pdarts.space.forms import writing
from pdarts.space.genotype import Genotype
from tests.workflow.tree import CONFIG, DRAW, REPORT, TEST, TRAINING_CURVES, Tree

pytestmark = pytest.mark.workflow

FAIR = {
    "normal": [["sep_conv_3x3", 2, 0], ["skip_connect", 2, 1], ["skip_connect", 4, 3], ["dil_conv_3x3", 5, 2]],
    "normal_concat": [2, 3, 4, 5],
    "reduce": [["max_pool_3x3", 2, 1], ["skip_connect", 3, 0], ["skip_connect", 3, 1]],
    "reduce_concat": [2, 3, 4, 5],
}


def test_a_cell_of_triples_in_a_log_is_drawn_trained_tested_and_reported(tree: Tree) -> None:
    (tree.root / "cells").mkdir()
    printed = writing.printed(Genotype.parse(FAIR, "fair"))
    tree.write("cells/fair.log", f"12:03:59 epoch 7\n12:04:00 genotype = {printed}\n")
    tree.edit(CONFIG, "genotype: {search: tiny, seed: each}", "genotype: cells/fair.log")
    assert tree.run() == {"train/tiny/seed0/train"} | TEST | TRAINING_CURVES | DRAW | REPORT
    assert json.loads(tree.read("results/train/tiny/seed0/test.json"))["genotype"] == FAIR
    for drawn in ("results/train/tiny/seed0/cells.svg", "results/tables/tiny.html"):
        assert "without nodes 1, 2" in tree.read(drawn)
    assert "skip connections in the normal cell: 1" in tree.read("results/tables/tiny.html")
