"""What jobs ask a scheduler for, and which rules are jobs at all."""

import re

import pytest
import yaml

from pdarts.errors import InputError
from pdarts.settings.config import parse_config
from tests.configuration import CONFIG, ROOT

TEXT = "".join((ROOT / f"rules/{file}.smk").read_text() for file in ("data", "search", "train", "report"))
RULES = dict(re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", TEXT, re.MULTILINE))
TARGETS = re.findall(r"^rule (\w+):", (ROOT / "Snakefile").read_text(), re.MULTILINE)


def test_every_rule_asks_for_memory_and_time_and_those_that_compute_for_a_gpu() -> None:
    assert len(RULES) == 19
    asked = r'mem_mb=needed\("memory"(.*)\),\n +runtime=needed\("minutes"\1\),\n'
    assert all(re.search(asked, text) for text in RULES.values())
    assert {name for name, text in RULES.items() if "gpu=needed(" in text} == {
        "search", "train", "test", "test_checkpoint"
    }  # fmt: skip


def test_downloads_and_reports_run_where_snakemake_runs_and_all_else_is_a_job() -> None:
    (listed,) = re.findall(r"^localrules:\n((?:    \w+,\n)+)", (ROOT / "Snakefile").read_text(), re.MULTILINE)
    local = set(re.findall(r"\w+", listed))
    reports = set(re.findall(r"^rule (\w+):", (ROOT / "rules/report.smk").read_text(), re.MULTILINE))
    assert local == {"download", *reports, *TARGETS}
    assert set(RULES) - local == {
        "prepare", "search", "derive", "choose", "sample", "sample_draw", "choose_draw", "train", "test",
        "test_checkpoint", "export",
    }  # fmt: skip


def test_a_dataset_can_have_requests_of_its_own() -> None:
    requests = CONFIG.requests
    assert requests.of("search", "digits").memory < requests.of("search", "cifar10").memory == requests.search.memory
    assert requests.of("short", None) == requests.short


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("datasets", "imagenett"), {}, "'imagenett', which does not exist; did you mean 'imagenet'?"),
        (("datasets", "digits", "serch"), {"memory": 100, "minutes": 1}, "'serch', which does not exist; did you mean"),
        (
            ("train", "memory"),
            16,
            "requests.train.memory is 16; allowed: greater than or equal to 100; did you mean 16000?",
        ),
    ],
)
def test_a_request_that_cannot_be_is_refused(path: tuple[str, ...], value: object, said: str) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    place = config["requests"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError, match=re.escape(said)):
        parse_config(config)
