"""Evaluation networks compute what the reference computed, in float64 to 1e-9.

Supernets and searches: `tests/progressive/test_recorded_searches.py`.
"""

import pytest

from tests.reference.networks import CASES, check_network


@pytest.mark.parametrize("name", CASES)
def test_evaluation_network_agrees_with_the_recorded_case(name: str) -> None:
    check_network(CASES[name])
