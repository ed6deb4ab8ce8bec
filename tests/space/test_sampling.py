"""Random cells are drawn uniformly, and a limit on skip connections leaves the cells within it equally likely."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from functools import cache
from itertools import combinations
from math import comb, sqrt
from random import Random

import pytest

from pdarts.space.genotype import Genotype
from pdarts.space.operations import CANDIDATES, SELECTABLE
from pdarts.space.sampling import sample
from pdarts.space.topology import NODES

DRAWS = 6000


@cache
def drawn(max_skips: int | None) -> list[Genotype]:
    generator = Random(7)
    return [sample(generator, max_skips) for _ in range(DRAWS)]


def skips(pairs: Iterable[tuple[str, int]]) -> int:
    return sum(name == "skip_connect" for name, _ in pairs)


def assert_distributed(found: Iterable[Hashable], shares: Mapping[Hashable, float]) -> None:
    """Pearson's statistic stays within 4 standard deviations of its mean, and nothing else is found."""
    counts = Counter(found)
    assert set(counts) <= set(shares)
    total = sum(counts.values())
    statistic = sum((counts[key] - total * share) ** 2 / (total * share) for key, share in shares.items())
    freedom = len(shares) - 1
    assert statistic <= freedom + 4 * sqrt(2 * freedom), (statistic, counts)


def uniform(outcomes: Iterable[Hashable]) -> dict[Hashable, float]:
    keys = list(outcomes)
    return dict.fromkeys(keys, 1 / len(keys))


def binomial(most: int) -> dict[Hashable, float]:
    """How likely 0 to `most` skip connections on 8 edges are among cells with no more."""
    weights = {number: comb(8, number) * 6 ** (8 - number) for number in range(most + 1)}
    return {number: weight / sum(weights.values()) for number, weight in weights.items()}


def test_the_check_of_distributions_finds_a_small_bias() -> None:
    generator = Random(1)
    biased = [SELECTABLE[int(min(generator.random() * 1.04, 0.999) * 7)] for _ in range(DRAWS)]
    with pytest.raises(AssertionError):
        assert_distributed(biased, uniform(SELECTABLE))


@pytest.mark.parametrize("cell", ["normal", "reduce"])
@pytest.mark.parametrize("node", NODES)
def test_both_sources_of_a_node_differ_and_all_pairs_are_equally_likely(cell: str, node: int) -> None:
    left = 2 * (node - NODES[0])
    pairs = [getattr(genotype, cell)[left : left + 2] for genotype in drawn(None)]
    sources = [(first[1], second[1]) for first, second in pairs]
    assert_distributed(sources, uniform(combinations(range(node), 2)))


@pytest.mark.parametrize("cell", ["normal", "reduce"])
@pytest.mark.parametrize("node", NODES)
def test_every_two_operations_of_a_node_are_equally_likely_and_none_is_never_drawn(cell: str, node: int) -> None:
    assert CANDIDATES[1:] == SELECTABLE
    left = 2 * (node - NODES[0])
    pairs = [getattr(genotype, cell)[left : left + 2] for genotype in drawn(None)]
    operations = [(first[0], second[0]) for first, second in pairs]
    assert_distributed(operations, uniform((first, second) for first in SELECTABLE for second in SELECTABLE))


def test_without_a_limit_skip_connections_are_as_many_as_chance_makes_them() -> None:
    assert_distributed((min(skips(genotype.normal), 5) for genotype in drawn(None)), _up_to_five())
    assert_distributed((min(skips(genotype.reduce), 5) for genotype in drawn(None)), _up_to_five())


def _up_to_five() -> dict[Hashable, float]:
    shares = binomial(8)
    tail = sum(shares.pop(number) for number in (6, 7, 8))
    return {**shares, 5: shares[5] + tail}


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_under_a_limit_all_cells_within_it_are_equally_likely(limit: int) -> None:
    cells = [genotype.normal for genotype in drawn(limit)]
    assert_distributed((skips(cell) for cell in cells), binomial(limit))
    assert max(map(skips, cells)) == limit
    others = [name for name in SELECTABLE if name != "skip_connect"]
    for place in range(8):
        assert_distributed((cell[place][0] for cell in cells if cell[place][0] != "skip_connect"), uniform(others))
    assert_distributed((tuple(source for _, source in cell[6:]) for cell in cells), uniform(combinations(range(5), 2)))


def test_the_reduction_cell_has_no_limit() -> None:
    assert_distributed((min(skips(genotype.reduce), 5) for genotype in drawn(0)), _up_to_five())


def test_both_cells_are_drawn_anew() -> None:
    assert all(genotype.normal != genotype.reduce for genotype in drawn(None))
    assert len(set(drawn(None))) == DRAWS


def test_a_drawn_genotype_is_one() -> None:
    for genotype in drawn(2)[:100]:
        assert Genotype.parse(genotype.to_json(), "drawn") == genotype
