"""Paths below results/ are a contract: people and other tools read these files."""

from pathlib import Path

import pytest

from pdarts import paths

SEARCH = "results/search/s"


@pytest.mark.parametrize(
    ("template", "wildcards", "path"),
    [
        (paths.MANIFEST, {"dataset": "cifar10"}, "results/data/cifar10.json"),
        (paths.STAGE, {"search": "s", "seed": 0, "stage": 1}, "results/search/s/seed0/stage1.json"),
        (paths.STAGE_METRICS, {"search": "s", "seed": 0, "stage": 1}, f"{SEARCH}/seed0/stage1.metrics.jsonl"),
        (paths.GENOTYPE, {"search": "s", "seed": 0, "variant": ""}, "results/search/s/seed0/genotype.json"),
        (
            paths.GENOTYPE,
            {"search": "s", "seed": 0, "variant": "_skips3"},
            "results/search/s/seed0/genotype_skips3.json",
        ),
        (paths.CHOSEN_GENOTYPE, {"search": "s", "variant": "_stage1"}, f"{SEARCH}/chosen/genotype_stage1.json"),
        (paths.RANDOM_GENOTYPE, {"seed": 2, "variant": ""}, "results/random/seed2/genotype.json"),
        (paths.DRAWN_GENOTYPE, {"random_search": "r", "draw": 8}, "results/random_search/r/draw8/genotype.json"),
        (paths.BEST_DRAW, {"random_search": "r", "seed": 1}, "results/random_search/r/seed1/genotype.json"),
        (paths.CHOICE_OF_DRAW, {"random_search": "r", "seed": 1}, "results/random_search/r/seed1/choice.json"),
        (paths.WEIGHTS, {"training": "t", "seed": 10}, "results/train/t/seed10/weights.pt"),
        (paths.METRICS, {"training": "t", "seed": 10}, "results/train/t/seed10/metrics.jsonl"),
        (paths.TEST, {"training": "t", "seed": 10}, "results/train/t/seed10/test.json"),
        (paths.CHECKPOINT_TEST, {"checkpoint": "c"}, "results/checkpoints/c/test.json"),
        (f"{paths.TABLE}.csv", {"table": "t.2"}, "results/tables/t.2.csv"),
        (f"{paths.PARTIAL_TABLE}.md", {"table": "t"}, "results/tables/partial/t.md"),
    ],
)
def test_a_path_is_what_it_was_and_says_what_it_belongs_to(
    template: str, wildcards: dict[str, object], path: str
) -> None:
    assert template.format(**wildcards) == path
    assert paths.wildcards_of(Path(path)) == {name: str(value) for name, value in wildcards.items()}


@pytest.mark.parametrize(
    ("path", "wildcards"),
    [
        ("results/search/s/seed0/stage1.json.resume", {"search": "s", "seed": "0"}),
        ("results/train/t/seed0/anything", {"training": "t", "seed": "0"}),
        ("results/logs/search/s/chosen/choose_skips2.log", {"search": "s", "variant": "_skips2"}),
        ("results/report.html", {}),
        ("results/wandb/offline-run-1/files/config.yaml", {}),
    ],
)
def test_other_files_belong_to_the_folder_that_they_lie_in(path: str, wildcards: dict[str, str]) -> None:
    assert paths.wildcards_of(Path(path)) == wildcards


@pytest.mark.parametrize(
    ("max_skips", "stage", "ending"), [(None, None, ""), (0, None, "_skips0"), (None, 2, "_stage2")]
)
def test_the_end_of_a_genotypes_name_is_read_as_it_is_written(
    max_skips: int | None, stage: int | None, ending: str
) -> None:
    assert paths.variant(max_skips, stage) == ending
    assert (paths.number_in(ending, "skips"), paths.number_in(ending, "stage")) == (max_skips, stage)


def test_the_command_of_a_rule_has_the_wildcards_of_its_job_in_paths() -> None:
    assert paths.in_command(paths.EXPORT) == "results/train/{wildcards.training}/seed{wildcards.seed}/network"
