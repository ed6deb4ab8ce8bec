"""Targets of the paper's tables: what they would run, and tables of what is there, which run nothing."""

import os
import re
import shlex
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests import warm
from tests.configuration import CONFIG, ROOT
from tests.reporting.examples import write_metrics, write_test

pytestmark = pytest.mark.workflow

PARTS = ("Snakefile", "config.yaml", "rules", "pdarts", "envs", "docs")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The project without any results."""
    for part in PARTS:
        (tmp_path / part).symlink_to(ROOT / part)
    return tmp_path


def snakemake(tree: Path, *arguments: str) -> str:
    command = [warm.python(), "-m", "snakemake", "--cores", "1", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def planned(tree: Path, *arguments: str) -> Counter[str]:
    """Number of jobs a rule, of a dry run."""
    said = snakemake(tree, "--dry-run", *arguments)
    table = re.search(r"Job stats:\njob +count\n[- ]+\n(.*?)\ntotal", said, re.DOTALL)
    counts = re.findall(r"^(\w+) +(\d+)$", table[1], re.MULTILINE) if table else []
    return Counter({name: int(count) for name, count in counts})


def test_the_paper_runs_every_training_of_its_tables_once(tree: Path) -> None:
    jobs = planned(tree, "paper")
    tables = [table for table in CONFIG.tables.values() if table.of_paper]
    columns = [(row, column) for table in tables for row in table.rows for column in table.columns.items()]
    trained = {name for row, column in columns for name in row.trainings(*column) if "-each-" not in name}
    assert jobs["train"] == jobs["test"] == sum(len(CONFIG.trainings[name].seeds) for name in trained)
    assert jobs["report"] == len(tables)


def test_a_second_search_adds_validations_and_its_own_retraining(tree: Path) -> None:
    one, two = planned(tree, "depth_study"), planned(tree, "depth_study", "--config", "repeats={searches: 2}")
    assert one["choose"] == 3
    assert {rule: two[rule] - one[rule] for rule in two if two[rule] != one[rule]} == {
        "search": 3,  # stages of one more search
        "trace": 1,
        "search_curves": 1,
        "searches_curves": 1,  # with the range of both
        "derive": 3,  # after each stage of it
        "train": 2 + 3 * 2,  # validations to choose by, and every stage's genotype of either search
        "test": 2 + 3 * 2,
    }


def test_released_weights_are_tested_where_their_file_is_there_and_stop_nothing_where_not(tree: Path) -> None:
    assert planned(tree, "table1", "table2")["test_checkpoint"] == 0
    (tree / "checkpoints").mkdir()
    (tree / "checkpoints/pdarts-imagenet.pth.tar").touch()
    assert planned(tree, "table1", "table2")["test_checkpoint"] == 1


def test_a_plan_sees_the_settings_that_snakemake_is_given(tree: Path) -> None:
    (tree / "mine.yaml").write_text("repeats: {searches: 2}\n")
    make = ["make", "-n", "plan", "TARGET=depth_study", "CONFIGFILE=mine.yaml", "CONFIG=repeats={retrainings: 10}"]
    printed = subprocess.run([*make, "-f", ROOT / "Makefile"], cwd=ROOT, capture_output=True, text=True, check=True)
    (command,) = re.findall(r"python (-m pdarts\.tools\.plan .+)$", printed.stdout, re.MULTILINE)
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    plan = [warm.python(), *shlex.split(command)]
    done = subprocess.run(plan, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [re.split(" {2,}", line) for line in done.stdout.splitlines()]
    assert ["train darts-v2-on-cifar10", "train, test", "20"] in lines
    assert ["train pdarts-cifar10-validation", "train, test", "4"] in lines


def test_a_partial_table_starts_no_training_and_is_made_anew_when_a_result_comes(tree: Path) -> None:
    target, folder = "results/tables/partial/depth_study.md", tree / "results/train/darts-v2-on-cifar10"
    assert planned(tree, target) == {"report_so_far": 1}
    snakemake(tree, target)
    assert (tree / target).read_text().count("not run") >= 4
    assert planned(tree, target) == {}

    write_test(folder / "seed1/test.json", 97.0, "DARTS_V2")
    write_metrics(folder / "seed1/metrics.jsonl")
    assert planned(tree, target) == {"report_so_far": 1}
    snakemake(tree, target)
    assert "3.00 (1 of 3)" in (tree / target).read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert planned(tree, target) == {}


def test_a_quotation_that_does_not_exist_is_refused_before_any_job(tree: Path) -> None:
    own = tree / "mine.yaml"
    own.write_text(
        "tables: {mine: {title: T, paper: table1, columns: {cifar10: {heading: C, measure: top1_error}},"
        " rows: [{architecture: A, paper: B, training: digits-published}]}}"
    )
    command = [warm.python(), "-m", "snakemake", "--cores", "1", "--dry-run", "paper", "--configfile", "mine.yaml"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert (
        "tables.mine.rows[0].paper is 'B', which Chen et al. 2019, table 1 does not have" in done.stdout + done.stderr
    )
