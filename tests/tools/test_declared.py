"""Which files of results/ belong to a config."""

from pathlib import Path

import pytest

from pdarts.errors import InputError
from pdarts.tools.declared import belongs, read_config
from tests.configuration import CONFIG, ROOT

DECLARED = read_config([ROOT / "config.yaml"])


@pytest.mark.parametrize(
    "path",
    [
        "data/digits.json",
        "data/files/cifar10.json",
        "search/digits/seed1/stage3.json",
        "search/digits/seed1/stage3.metrics.jsonl",
        "search/digits/seed0/genotype_skips3.json",
        "search/digits/chosen/choice_stage1.json",
        "train/digits-validation/seed1/weights.pt",
        "train/digits/seed0/weights.pt",
        "train/digits/curves.svg",
        "tables/demo.md",
        "random/seed2/genotype.json",
        "random/seed1/genotype_skips2.json",
        "random_search/random-search/draw23/genotype.json",
        "random_search/random-search/seed2/choice.json",
        "train/random-search-draws/seed23/weights.pt",
        "logs/random_search/random-search/draw0/sample.log",
        "checkpoints/pdarts-cifar10/test.json",
        "train/digits/seed0/weights.pt.resume",
        "logs/prepare/digits.log",
        "logs/search/digits/seed0/stage1.log",
        "logs/train/digits/curves.log",
        "logs/tables/demo.log",
        "calibration/GPU.json",
        "wandb/offline-run-1/run.wandb",
        "report.html",
        ".gitkeep",
    ],
)
def test_files_of_what_is_declared_belong(path: str) -> None:
    assert belongs(Path("results", path), DECLARED)


@pytest.mark.parametrize(
    "path",
    [
        "data/gone.json",
        "search/gone/seed0/stage1.json",
        "search/digits/seed7/stage1.json",
        "search/digits/seed0/stage4.json",
        "search/digits/chosen/genotype_stage4.json",
        "train/fashion-validation/seed0/weights.pt",
        "train/gone/seed0/weights.pt",
        "train/digits/seed7/test.json",
        "train/gone/curves.svg",
        "tables/gone.csv",
        "random/seed77/genotype.json",
        "random_search/random-search/draw24/genotype.json",
        "random_search/random-search/seed3/genotype.json",
        "random_search/gone/seed0/genotype.json",
        "train/random-search-draws/seed24/test.json",
        "checkpoints/gone/test.json",
        "logs/prepare/gone.log",
        "logs/search/digits/seed7/stage1.log",
        "logs/train/gone/curves.log",
    ],
)
def test_files_of_what_is_not_declared_do_not(path: str) -> None:
    assert not belongs(Path("results", path), DECLARED)


def test_config_files_add_and_override_key_by_key(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("searches: {digits: {seeds: [0, 1, 2]}}\n")
    config = read_config([ROOT / "config.yaml", mine])
    assert config.searches["digits"].seeds == (0, 1, 2)
    assert config.searches["digits"].stages == CONFIG.searches["digits"].stages
    assert config.trainings["digits-validation"].seeds == (0, 1, 2)
    others = {name: each for name, each in config.trainings.items() if name != "digits-validation"}
    assert others == {name: CONFIG.trainings[name] for name in others}


def test_single_settings_come_last(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("repeats: {retrainings: 5, searches: 2}\n")
    config = read_config([ROOT / "config.yaml", mine], ["repeats={retrainings: 10}"])
    assert (config.repeats.retrainings, config.repeats.searches) == (10, 2)
    with pytest.raises(InputError, match=r"--config: 'repeats' is not KEY=VALUE, such as 'repeats="):
        read_config([ROOT / "config.yaml"], ["repeats"])


def test_a_config_that_cannot_be_read_is_named_with_its_line(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    with pytest.raises(InputError, match=r"mine\.yaml: this config file cannot be read \(No such file"):
        read_config([mine])
    mine.write_text("searches:\n  digits: {seeds: [0]\ntables: {}\n")
    with pytest.raises(InputError, match=r"mine\.yaml, line 3: not YAML"):
        read_config([ROOT / "config.yaml", mine])
    mine.write_text("searches\n")
    with pytest.raises(InputError, match=r"mine\.yaml: no keys with values"):
        read_config([ROOT / "config.yaml", mine])
    with pytest.raises(InputError, match=r"--config 'repeats=\{searches: 4', line 1: not YAML"):
        read_config([ROOT / "config.yaml"], ["repeats={searches: 4"])
