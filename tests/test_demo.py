"""What `make demo` left behind: measured accuracies, and every file that it promises."""

import csv
import json

import pytest

from tests.configuration import CONFIG, ROOT

TABLE = ROOT / "results" / "tables" / "demo.csv"

pytestmark = [pytest.mark.demo, pytest.mark.skipif(not TABLE.exists(), reason="`make demo` has not run here")]


def test_the_retrained_networks_have_learned_to_read_digits() -> None:
    with TABLE.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["architecture"] for row in rows] == [row.architecture for row in CONFIG.tables["demo"].rows]
    for row in rows:
        assert int(row["n"]) >= 2
        assert float(row["top1_mean"]) > 93, row["architecture"]


def test_the_table_is_made_of_what_was_tested() -> None:
    with TABLE.open() as file:
        rows = list(csv.DictReader(file))
    for row, declared in zip(rows, CONFIG.tables["demo"].rows, strict=True):
        folder = ROOT / "results" / "train" / declared.training
        tests = [json.loads(path.read_text()) for path in sorted(folder.glob("seed*/test.json"))]
        assert [float(value) for value in row["top1"].split(";")] == [test["top1"] for test in tests]
        assert {test["images"] for test in tests} == {445}


def test_every_promised_file_is_there() -> None:
    promised = [f"results/tables/demo.{suffix}" for suffix in ("md", "csv", "tex", "html")]
    promised += ["results/report.html", "results/train/digits/curves.svg", "results/search/digits/curves.svg"]
    for seed in CONFIG.searches["digits"].seeds:
        promised += [f"results/search/digits/seed{seed}/{name}" for name in ("genotype.json", "curves.svg")]
        promised += [f"results/train/digits/seed{seed}/{name}" for name in ("cells.svg", "weights.pt", "test.json")]
    missing = [path for path in promised if not (ROOT / path).is_file()]
    assert not missing
    assert list((ROOT / "results" / "wandb").glob("offline-run-*/run-*.wandb"))


def test_stage_files_are_small_and_say_where_they_come_from() -> None:
    stages = sorted((ROOT / "results" / "search" / "digits").glob("seed*/stage[123].json"))
    assert len(stages) == 3 * len(CONFIG.searches["digits"].seeds)
    for path in stages:
        assert path.stat().st_size < 20_000
        provenance = json.loads(path.read_text())["provenance"]
        assert {"version", "commit", "clean", "python", "torch", "torchvision", "snakemake", "device"} <= set(
            provenance
        )
