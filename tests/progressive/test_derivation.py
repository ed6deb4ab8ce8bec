"""Where operations or edges are equally strong, each method chooses by a rule of its own."""

import pytest
import torch

from pdarts.progressive.method import method_named
from pdarts.progressive.refinement import derive
from pdarts.settings.methods import METHODS
from pdarts.space.architecture import Architecture
from pdarts.space.candidates import all_candidates, prune
from pdarts.space.topology import EDGES, KINDS

EARLIER = [
    ("sep_conv_3x3", 2, 0),
    ("sep_conv_3x3", 2, 1),
    ("sep_conv_3x3", 3, 0),
    ("sep_conv_3x3", 3, 1),
    ("sep_conv_3x3", 4, 0),
    ("sep_conv_3x3", 4, 1),
    ("sep_conv_3x3", 5, 0),
    ("sep_conv_3x3", 5, 1),
]
"""Operation, target and source of every edge."""

LATER = [
    ("dil_conv_3x3", 2, 0),
    ("dil_conv_3x3", 2, 1),
    ("dil_conv_3x3", 3, 1),
    ("dil_conv_3x3", 3, 2),
    ("dil_conv_3x3", 4, 2),
    ("dil_conv_3x3", 4, 3),
    ("dil_conv_3x3", 5, 3),
    ("dil_conv_3x3", 5, 4),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_of_equals_the_last_wins_in_p_darts_and_the_first_in_every_other_method(name: str, weighted: bool) -> None:
    weights = {kind: torch.full((len(EDGES), 3), 0.9, dtype=torch.float64) for kind in KINDS}
    of_edges = {kind: torch.full((len(EDGES),), 1.0, dtype=torch.float64) for kind in KINDS}
    candidates = all_candidates(("none", "sep_conv_3x3", "dil_conv_3x3"))
    architecture = Architecture(candidates, weights, of_edges if weighted else None)
    method = method_named(name)
    chosen = LATER if name == "p_darts" else EARLIER
    expected = chosen if method.listing == "with targets" else [(operation, source) for operation, _, source in chosen]
    genotype = derive(architecture, method, max_skips=None)
    assert list(genotype.normal) == expected
    assert list(genotype.reduce) == expected
    assert genotype.normal_concat == genotype.reduce_concat == (2, 3, 4, 5)


def test_a_tie_at_the_cut_of_p_darts_goes_to_the_later_edge_and_operation() -> None:
    """Two stages: of the second's candidates and weights a whole genotype follows."""
    names = ("none", "max_pool_3x3", "skip_connect", "sep_conv_3x3")
    equal = torch.full((len(EDGES), 4), 0.25, dtype=torch.float64)
    equal[0] = torch.tensor([0.1, 0.4, 0.4, 0.1])  # 0-2: the pooling and the skip, and of the others the later one
    kept = prune((names,) * len(EDGES), equal, 3)
    assert kept[0] == ("max_pool_3x3", "skip_connect", "sep_conv_3x3")
    assert kept[1:] == (("max_pool_3x3", "skip_connect", "sep_conv_3x3"),) * (len(EDGES) - 1)
    weights = torch.full((len(EDGES), 3), 1 / 3, dtype=torch.float64)
    weights[EDGES.index((0, 4))] = torch.tensor([0.5, 0.0, 0.5])  # stronger than all, with a tie of its own
    weights[EDGES.index((0, 5))] = torch.tensor([0.4, 0.4, 0.2])  # likewise, between a pooling and a skip
    weights[EDGES.index((2, 5))] = torch.tensor([0.4, 0.3, 0.3])  # as strong as that edge
    architecture = Architecture(dict.fromkeys(KINDS, kept), dict.fromkeys(KINDS, weights), None)
    pairs = [
        ["sep_conv_3x3", 0],
        ["sep_conv_3x3", 1],
        ["sep_conv_3x3", 1],
        ["sep_conv_3x3", 2],
        ["sep_conv_3x3", 0],
        ["sep_conv_3x3", 3],
        ["skip_connect", 0],
        ["max_pool_3x3", 2],
    ]
    concat = [2, 3, 4, 5]
    expected = {"normal": pairs, "normal_concat": concat, "reduce": pairs, "reduce_concat": concat}
    assert derive(architecture, method_named("p_darts"), max_skips=2).to_json() == expected
    darts = derive(architecture, method_named("darts"), max_skips=None).to_json()
    assert darts["normal"][:6] == [
        ["max_pool_3x3", 0],
        ["max_pool_3x3", 1],
        ["max_pool_3x3", 0],
        ["max_pool_3x3", 1],
        ["max_pool_3x3", 0],
        ["max_pool_3x3", 1],
    ]
