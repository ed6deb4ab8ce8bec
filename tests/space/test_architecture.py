"""Stage files say which operations are left, in full precision."""

import json
from typing import Any

import pytest
import torch

from pdarts.errors import InputError
from pdarts.space.architecture import Architecture, parse, to_json
from pdarts.space.candidates import all_candidates
from pdarts.space.operations import CANDIDATES
from pdarts.space.topology import EDGES, NODES, incoming


def cells() -> dict[str, Any]:
    torch.manual_seed(0)
    weights = {kind: torch.randn(14, 8, dtype=torch.float64).softmax(1) for kind in ("normal", "reduction")}
    return json.loads(json.dumps(to_json(Architecture(all_candidates(CANDIDATES), weights, None))))


def test_edges_are_ordered_by_target_then_source() -> None:
    assert [*EDGES] == sorted(EDGES, key=lambda edge: (edge[1], edge[0]))
    assert [len(incoming(node)) for node in NODES] == [2, 3, 4, 5]
    assert [edge["edge"] for edge in cells()["normal"]] == [list(edge) for edge in EDGES]


def test_weights_survive_a_file_to_the_last_bit() -> None:
    torch.manual_seed(0)
    expected = torch.randn(14, 8, dtype=torch.float64).softmax(1)
    architecture = parse(cells(), "stage1.json")
    assert torch.equal(architecture.weights["normal"], expected)
    assert architecture.candidates == all_candidates(CANDIDATES)
    assert architecture.edge_weights is None


def test_edge_weights_stand_on_every_edge_or_on_none() -> None:
    weighted = cells()
    for kind in weighted.values():
        for place, edge in enumerate(kind):
            edge["edge_weight"] = place / 100
    architecture = parse(weighted, "stage1.json")
    assert architecture.edge_weights is not None
    assert architecture.edge_weights["normal"].tolist() == [place / 100 for place in range(14)]
    assert to_json(architecture) == weighted
    del weighted["normal"][3]["edge_weight"]
    with pytest.raises(InputError, match="edge_weight must be a number from 0 to 1 on every edge, or on none"):
        parse(weighted, "stage1.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cells: cells.pop("reduction"), "cells.reduction is missing"),
        (lambda cells: cells["normal"].pop(), "must list the 14 edges"),
        (lambda cells: cells["normal"].reverse(), "must list the 14 edges"),
        (lambda cells: cells["normal"][3].update(weights={"conv": 1.0}), "edge \\[1, 3\\]: unknown operation 'conv'"),
        (lambda cells: cells["normal"][0].update(weights={"none": 2.0}), "numbers from 0 to 1"),
        (lambda cells: cells["normal"][0].update(weights={"none": "1"}), "numbers from 0 to 1"),
        (lambda cells: cells["normal"][0].update(weights={"none": 1.0}), "the same number of operations"),
    ],
)
def test_what_is_no_stage_file_is_refused_by_name(change: Any, message: str) -> None:
    broken = cells()
    change(broken)
    with pytest.raises(InputError, match=message) as caught:
        parse(broken, "stage1.json")
    assert str(caught.value).startswith("stage1.json")
