"""A cell of a user's own with none to two edges a node goes through the workflow like any other."""

import json

import pytest

from tests.workflow.tree import CONFIG, DRAW, REPORT, TEST, TRAINING_CURVES, Tree

pytestmark = pytest.mark.workflow

FAIR = {
    "normal": [["sep_conv_3x3", 2, 0], ["skip_connect", 2, 1], ["skip_connect", 4, 3], ["dil_conv_3x3", 5, 2]],
    "normal_concat": [2, 3, 4, 5],
    "reduce": [["max_pool_3x3", 2, 1], ["skip_connect", 3, 0], ["skip_connect", 3, 1]],
    "reduce_concat": [2, 3, 4, 5],
}


def test_a_cell_of_triples_is_drawn_trained_tested_and_reported(tree: Tree) -> None:
    (tree.root / "cells").mkdir()
    tree.write("cells/fair.json", json.dumps(FAIR))
    tree.edit(CONFIG, "genotype: {search: tiny, seed: each}", "genotype: cells/fair.json")
    assert tree.run() == {"train/tiny/seed0/train"} | TEST | TRAINING_CURVES | DRAW | REPORT
    assert json.loads(tree.read("results/train/tiny/seed0/test.json"))["genotype"] == FAIR
    for drawn in ("results/train/tiny/seed0/cells.svg", "results/tables/tiny.html"):
        assert "without nodes 1, 2" in tree.read(drawn)
    assert "skip connections in the normal cell: 1" in tree.read("results/tables/tiny.html")
