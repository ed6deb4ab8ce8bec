"""Every method computes what its authors' code computed, in float64 to 1e-9."""

from typing import Any

import pytest

from tests.reference import searches
from tests.reference.searches import CASES


def cases_of(*kinds: str) -> Any:
    return pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["kind"] in kinds])


@cases_of("supernet", "supernet_partial")
def test_losses_and_gradients_agree_with_the_recorded_case(name: str) -> None:
    searches.check_gradients(CASES[name])


@cases_of("search", "search_second_order")
def test_joint_steps_agree_with_the_recorded_case(name: str) -> None:
    searches.check_joint_steps(CASES[name])


@cases_of("derive")
def test_genotypes_agree_with_the_recorded_case(name: str) -> None:
    searches.check_genotypes(CASES[name])


@cases_of("perturbation")
def test_perturbed_weights_agree_with_the_recorded_case(name: str) -> None:
    searches.check_perturbed_weights(CASES[name])


@cases_of("schedule")
def test_schedules_agree_with_the_recorded_case(name: str) -> None:
    searches.check_decays(CASES[name])
