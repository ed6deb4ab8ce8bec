"""Where all operations are equally strong, each method chooses by a rule of its own."""

import pytest
import torch

from pdarts.progressive.method import method_named
from pdarts.progressive.refinement import derive
from pdarts.settings.methods import METHODS
from pdarts.space.architecture import Architecture
from pdarts.space.candidates import all_candidates
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
