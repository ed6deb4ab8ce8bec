"""The page on best practices answers all of them, and what it names exists."""

import re

import pytest

from tests.configuration import CONFIG, ROOT

PAGE = (ROOT / "docs" / "best-practices.md").read_text()


def test_all_fourteen_are_answered_in_order() -> None:
    assert [int(number) for number in re.findall(r"^\*\*(\d+)\.", PAGE, re.MULTILINE)] == list(range(1, 15))


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:pdarts|tests|envs|docs)/[\w/.-]+|config\.yaml)`", PAGE))))
def test_a_named_file_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`snakemake ([\w/.-]+)", PAGE))))
def test_a_named_target_is_declared(target: str) -> None:
    if "/" in target:
        _, kind, name, seed, _ = target.split("/")
        declared = {"search": CONFIG.searches, "train": CONFIG.trainings}[kind]
        assert int(seed.removeprefix("seed")) in declared[name].seeds
    else:
        rules = re.findall(r"^rule (\w+):$", (ROOT / "Snakefile").read_text(), re.MULTILINE)
        assert target in {*rules, *CONFIG.tables}
