"""Files behind the tables of the config."""

from typing import Any

import pytest
import yaml

from pdarts import paths
from pdarts.reporting.table_files import RowFiles
from pdarts.settings.config import Config, parse_config
from pdarts.workflow.tables import results_so_far, table_files, table_inputs
from tests.configuration import CONFIG, ROOT

COLUMNS = {
    "cifar10": {
        "heading": "CIFAR-10", "measure": "top1_error", "dataset": "digits", "recipe": "digits", "seeds": [0, 1]
    },
}  # fmt: skip


def config(*rows: dict[str, Any], repeats: int = 1, **table: Any) -> Config:
    """The project's own configuration with a table of these rows, and so many searches of a kind."""
    values = yaml.safe_load((ROOT / "config.yaml").read_text())
    values["repeats"]["searches"] = repeats
    values["tables"]["mine"] = {"title": "T", "columns": COLUMNS, "rows": list(rows), **table}
    return parse_config(values)


def only_row(*rows: dict[str, Any], **changes: Any) -> RowFiles:
    (row,) = table_files(config(*rows, **changes), "mine").rows
    return row


def test_rows_that_only_the_paper_has_are_quoted_where_the_paper_has_them() -> None:
    own = [
        {"architecture": "11 search cells", "search": "digits", "stage": 1},
        {"architecture": "B", "search": "digits", "stage": 2, "paper": "17 search cells"},
        {"architecture": "C", "search": "digits", "paper": "17 search cells"},
        {"architecture": "D", "genotype": "PDARTS", "name": "d"},
    ]
    files = table_files(config(*own, paper="depth_study", complete=True), "mine")
    assert [(row.architecture, row.paper) for row in files.rows] == [
        ("5 search cells", "5 search cells"),
        ("11 search cells", "11 search cells"),
        ("B", "17 search cells"),
        ("C", "17 search cells"),
        ("D", None),
        ("DARTS_V2", "DARTS_V2"),
    ]
    quoted, measured = files.rows[:2]
    assert not quoted.runs
    assert measured.runs
    assert len(table_files(config(*own, paper="depth_study"), "mine").rows) == 4


def test_of_one_search_the_genotype_of_each_seed_is_no_other_than_the_chosen_one() -> None:
    one, two = (only_row({"architecture": "A", "search": "pdarts-cifar10"}, repeats=repeats) for repeats in (1, 2))
    assert not one.searches
    assert two.searches["cifar10"].trainings == {"results/train/pdarts-cifar10-each-on-digits": (0, 1)}
    assert two.runs["cifar10"].trainings == {"results/train/pdarts-cifar10-on-digits": (0, 1)}


def test_seeds_that_do_the_same_in_both_trainings_run_once() -> None:
    row = only_row({"architecture": "A", "search": "pdarts-cifar10", "seed": 0}, repeats=2)
    assert row.searches["cifar10"].trainings == {
        "results/train/pdarts-cifar10-on-digits": (0,), "results/train/pdarts-cifar10-each-on-digits": (1,)
    }  # fmt: skip


def test_a_chosen_genotype_stands_with_the_choice_and_what_it_was_made_by() -> None:
    search = only_row({"architecture": "A", "search": "digits", "stage": 2}).runs["cifar10"].search
    assert search is not None
    assert (search.seeds, search.stages) == ((0, 1), 2)
    assert search.choice == "results/search/digits/chosen/choice_stage2.json"
    assert search.validations == tuple(f"results/train/digits-validation/seed{seed}/test.json" for seed in (0, 1))


def test_runs_have_the_declared_name_of_their_dataset_in_tables_with_and_without_headings() -> None:
    values = yaml.safe_load((ROOT / "config.yaml").read_text())
    values["datasets"]["few-digits"] = {**values["datasets"]["digits"], "train_images": 500}
    values["trainings"]["few"] = {**values["trainings"]["digits-published"], "dataset": "few-digits"}
    rows = [
        {"architecture": name, "training": training} for name, training in (("A", "digits-published"), ("B", "few"))
    ]
    measured = {"cifar10": {"heading": "H", "measure": "top1_error"}}
    values["tables"] |= {name: {"title": "T", "rows": rows} for name in ("listed", "compared")}
    values["tables"]["compared"]["columns"] = measured
    for table in ("listed", "compared"):
        found = table_files(parse_config(values), table).rows
        assert [runs.dataset for row in found for runs in row.runs.values()] == ["digits", "few-digits"]


def test_a_baseline_and_whether_trainings_have_cells_of_their_own_reach_the_report() -> None:
    rows = [
        {"architecture": "Random", "name": "drawn", "genotype": {"random": "each", "max_skips": None}},
        {"architecture": "Searched", "search": "pdarts-cifar10"},
    ]
    files = table_files(config(*rows, repeats=2, baseline="Random"), "mine")
    drawn, searched = files.rows
    assert files.baseline == "Random"
    assert drawn.searches["cifar10"].independent
    assert searched.searches["cifar10"].independent
    assert not searched.runs["cifar10"].independent


def test_random_cells_stand_with_the_seeds_that_they_were_drawn_by() -> None:
    row = only_row({"architecture": "A", "name": "random", "genotype": {"random": "each", "max_skips": None}})
    assert not row.runs
    assert row.searches["cifar10"].drawn == (0, 1)


def test_a_training_stands_among_those_of_one_genotype_or_of_several_as_its_seeds_ask() -> None:
    assert list(only_row({"architecture": "A", "training": "digits"}).searches) == ["cifar10"]
    assert list(only_row({"architecture": "A", "training": "digits-published"}).runs) == ["cifar10"]


def test_weights_of_others_stand_in_the_columns_of_their_dataset() -> None:
    table = table_files(CONFIG, "table1")
    (row,) = (row for row in table.rows if row.released)
    assert list(row.released) == ["cifar10"]
    assert row.released["cifar10"].test == "results/checkpoints/pdarts-cifar10/test.json"
    assert row.released["cifar10"].dataset == "cifar10"


def test_inputs_are_all_results_each_once() -> None:
    inputs = table_inputs(CONFIG, "demo")
    assert len(inputs) == len(set(inputs))
    stages = [paths.STAGE.format(search="digits", seed=seed, stage=stage) for seed in (0, 1) for stage in (1, 2, 3)]
    trained = [f"results/train/{name}/seed{seed}" for name in ("digits", "digits-published") for seed in (0, 1)]
    files = [f"{folder}/{file}" for folder in trained for file in ("test.json", "metrics.jsonl")]
    traces = [paths.TRACE.format(search="digits", seed=seed) for seed in (0, 1)]
    assert {*stages, *files, *traces} < set(inputs)
    assert {path.rpartition(".")[2] for path in {*inputs} - {*stages, *files, *traces}} == {"svg"}


def test_a_partial_table_is_out_of_date_when_a_result_comes(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder := tmp_path_factory.mktemp("tree"))
    (folder / "pdarts").symlink_to(ROOT / "pdarts")  # has the published cell
    before = results_so_far(CONFIG, "demo")
    (folder / "results/train/digits/seed0").mkdir(parents=True)
    (folder / "results/train/digits/seed0/test.json").touch()
    assert results_so_far(CONFIG, "demo") != before
