"""Derivation agrees with all recorded cases, and keeps its promises at the seams."""

import pytest
import torch

from pdarts.errors import InputError
from pdarts.progressive.methods.p_darts import Method
from pdarts.progressive.refinement import derive, refine
from pdarts.space.architecture import Architecture
from pdarts.space.candidates import prune
from pdarts.space.operations import CANDIDATES
from pdarts.space.topology import EDGES
from tests.reference import recorded

CASES = recorded.load("derive")
KINDS = {"normal": "normal", "reduction": "reduce"}


def softmax(rows: list[list[float]]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64).softmax(1)


def tuples(rows: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row) for row in rows)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_pruning_agrees_with_the_recorded_case(case: dict) -> None:
    for stage in case["prune"]:
        for cell in stage.values():
            kept = prune(tuples(cell["candidates"]), softmax(cell["alphas"]), len(cell["kept"][0]))
            assert kept == tuples(cell["kept"])


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_genotype_agrees_with_the_recorded_case_for_every_skip_limit(case: dict) -> None:
    final = case["final"]
    candidates = {kind: tuples(final[name]["candidates"]) for kind, name in KINDS.items()}
    weights = {kind: softmax(final[name]["alphas"]) for kind, name in KINDS.items()}
    expected = final["unrestricted"]
    for limit in (None, *range(8, -1, -1)):
        expected = final["at_most_skips"].get(str(limit), expected)
        found = derive(Architecture(candidates, weights, None), Method, limit)
        assert [list(pair) for pair in found.normal] == expected["normal"], f"limit {limit}"
        assert [list(pair) for pair in found.reduce] == expected["reduce"], f"limit {limit}"


def test_the_cases_hold_every_kind_of_limit() -> None:
    assert len(CASES) == 60
    assert {limit for case in CASES for limit in case["final"]["at_most_skips"]} >= {"0", "1", "2", "3", "4"}


def test_the_weakest_skip_goes_first() -> None:
    strengths = [{"skip_connect": 0.5 + place / 100, "sep_conv_3x3": 0.1} for place in range(len(EDGES))]
    before, after = Method.select(strengths), refine(strengths, 7, Method.select)
    assert list(before.values()).count("skip_connect") == 8
    assert [place for place in before if after[place] != "skip_connect"] == [0]


def test_a_limit_that_the_candidates_cannot_meet_is_refused() -> None:
    with pytest.raises(InputError, match="max_skips is 1, but these candidates leave at least 8 skip"):
        refine([{"skip_connect": 0.5}] * len(EDGES), 1, Method.select)


def test_a_node_that_has_skips_alone_does_not_keep_the_others_from_being_struck() -> None:
    skips_alone, both = {"skip_connect": 0.4}, {"skip_connect": 0.6, "sep_conv_3x3": 0.5}
    selected = refine([skips_alone if target == 2 else both for _, target in EDGES], 2, Method.select)
    assert [EDGES[edge][1] for edge, name in selected.items() if name == "skip_connect"] == [2, 2]
    with pytest.raises(InputError, match="leave at least 2 skip connections; allowed here: 2 to 8"):
        refine([skips_alone if target == 2 else both for _, target in EDGES], 1, Method.select)


def test_keeping_more_than_present_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot keep 3 operations of 2"):
        prune((("none", "skip_connect"),) * len(EDGES), torch.full((len(EDGES), 2), 0.5), 3)


def test_pruning_drops_the_earlier_operation_on_a_tie_and_keeps_the_order() -> None:
    names = ("none", "skip_connect", "sep_conv_3x3")
    assert prune((names,), torch.tensor([[0.4, 0.3, 0.3]]), 2) == (("none", "sep_conv_3x3"),)


@pytest.mark.parametrize("operations", [8, 5, 3])
def test_the_cell_of_any_stage_keeps_the_limit(operations: int) -> None:
    torch.manual_seed(operations)
    names = ("none", "skip_connect", *(name for name in CANDIDATES if name not in ("none", "skip_connect")))[
        :operations
    ]
    weights = torch.rand(len(EDGES), operations, dtype=torch.float64)
    weights[:, names.index("skip_connect")] += 1  # every edge prefers its skip
    candidates = {kind: (names,) * len(EDGES) for kind in KINDS}
    weights = weights / weights.sum(1, keepdim=True)
    architecture = Architecture(candidates, dict.fromkeys(KINDS, weights), None)
    counts = [
        sum(name == "skip_connect" for name, _ in derive(architecture, Method, limit).normal) for limit in (None, 4, 2)
    ]
    assert counts == [8, 4, 2]
