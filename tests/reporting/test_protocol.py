"""What stands under a table is what the files say."""

import json
from dataclasses import replace
from pathlib import Path

from pdarts.reporting.protocol import protocol
from pdarts.reporting.rows import Row
from tests.genotypes import published
from tests.reporting.examples import choose, draw, read, row, runs, write, write_metrics


def said(*rows: Row) -> dict[str, str]:
    return dict(protocol(rows))


def test_data_and_training_are_told_in_numbers(tmp_path: Path) -> None:
    statements = said(read(row(tmp_path, [97.0])))
    assert statements["Data"] == "digits, 1,347 training and 450 test images of 2 classes, 16 × 16 pixels"
    assert statements["Training"] == (
        "8 cells, 16 channels, 3 epochs on all 1,347 training images, batch 96, learning rate 0.025, "
        "weight decay 0.0003, drop path 0.3"
    )


def test_the_search_is_told_stage_by_stage(tmp_path: Path) -> None:
    text = said(read(row(tmp_path, [97.0], searches=1)))["Search"]
    assert "3 stages of 5, 11 and 17 cells with 8, 5 and 3 operations an edge, 3 epochs each" in text
    assert "alphas frozen in the first 1, batch 96, alphas' learning rate 0.0006; skip dropout 0, 0 and 0" in text
    assert "0 at first; first-order gradients" in text
    assert "operations on all channels; the first 50 % of the training images train network weights" in text


def test_a_table_without_searches_tells_of_none(tmp_path: Path) -> None:
    assert "Search" not in said(read(row(tmp_path, [97.0])))


def test_it_is_told_what_varies_between_the_runs_of_a_row(tmp_path: Path) -> None:
    origins = {
        "2 searches, the genotype of each retrained once": row(tmp_path / "a", [97.0, 98.0], searches=2),
        "1 search (seed 0, named beforehand), its genotype retrained 3 times": row(
            tmp_path / "b", [97.0, 98.0, 98.1], searches=1
        ),
        "1 search (seed 0, named beforehand), its genotype retrained once": row(tmp_path / "e", [97.0], searches=1),
        "3 searches, 1 genotype of theirs retrained, 2 trainings in all": row(tmp_path / "f", [97.0, 98.0], searches=3),
        "1 genotype given, not searched here; 3 trainings": row(tmp_path / "c", [97.0, 98.0, 98.1]),
        "1 genotype given, not searched here; 1 training": row(tmp_path / "d", [97.0]),
    }
    assert [said(read(files))["Cells"] for files in origins.values()] == [
        f"{origin}; skip connections in the normal cell: 2" for origin in origins
    ]


def test_a_choice_is_told_with_its_scores_its_rule_and_its_price(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0], searches=2)
    choose(files, tmp_path, 1, [71.0, 72.5])
    texts = said(read(files))
    assert texts["Cells"].startswith(
        "2 searches, of which that with seed 1 was chosen, its genotype retrained 2 times; accuracy on held-out "
        "training images: 71.00 % with seed 0 and 72.50 % with seed 1; skip"
    )
    assert (
        "2 epochs on the first 897 training images, those that trained weights in the search, scored on the other 450"
        in (texts["Validation"])
    )
    assert texts["End to end"].replace("\N{NO-BREAK SPACE}", " ") == (
        "2 × (90 s for a search + 70 s for its validation) + 60 s for a retraining = 380 s of a device, "
        "0.0044 device-days"
    )


def test_the_only_search_is_no_choice(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0], searches=1)
    choose(files, tmp_path, 0, [])
    write(tmp_path / "choice.json", {"seed": 0, "candidates": []})
    texts = said(read(files))
    assert texts["Cells"].startswith("1 search (seed 0, the only one), its genotype retrained once")
    assert not {"Validation", "End to end"} & set(texts)


def test_a_skip_from_a_node_that_does_not_exist_is_not_counted(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0])
    path = tmp_path / "seed0/test.json"
    write(path, json.loads(path.read_text()) | {"genotype": published("FairDARTS_c").to_json()})
    assert said(read(files))["Cells"].endswith("skip connections in the normal cell: 0")


def test_random_cells_are_called_random_with_their_seeds(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    files["runs"]["training"]["drawn"] = [0, 1]
    assert said(read(files))["Cells"].startswith("2 random cells, drawn with seeds 0 and 1; 2 trainings; skip")


def test_a_random_search_is_told_with_what_it_drew_its_scores_its_rule_and_its_price(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    files["runs"]["training"] = draw(
        files["runs"]["training"], tmp_path, {0: [71.0, 72.5, 70.0], 1: [73.0, 72.0, 71.0]}
    )
    found = read(files)
    texts = said(found)
    assert texts["Cells"].startswith(
        "2 random searches, the genotype of each retrained once; accuracy on held-out training images: 72.50 % with "
        "seed 0 and 73.00 % with seed 1; skip"
    )
    assert texts["Search"] == (
        "the best of 3 random cells, each trained once, 8 cells, 16 channels, 2 epochs on the first 897 training "
        "images, and scored on the other 450; on a tie the first draw; no test image is read"
    )
    assert texts["End to end"].replace("\N{NO-BREAK SPACE}", " ") == (
        "3 × 70 s for a short training and its test + 60 s for a retraining = 270 s of a device, 0.0031 device-days"
    )
    assert found.spent.searches == [210.0, 210.0]
    assert len(found.records) == 2 * (2 + 6)  # a training and a test of each draw and of each retraining


def test_a_price_that_is_not_that_of_all_searches_names_its_rows(tmp_path: Path) -> None:
    chosen, single = row(tmp_path / "a", [97.0], 2), row(tmp_path / "b", [97.0], 1, architecture="Other")
    choose(chosen, tmp_path / "a", 0, [71.0, 72.5])
    texts = said(read(chosen), read(single))
    for label in ("Validation", "End to end"):
        assert texts[label].startswith("P-DARTS: ")


def test_of_a_random_search_one_cell_can_be_retrained_several_times(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    files["runs"]["training"] = draw(runs(tmp_path, [97.0, 98.0]), tmp_path, {4: [71.0, 72.5]})
    assert said(read(files))["Cells"].startswith(
        "1 random search (seed 4, named beforehand), its genotype retrained 2 times; accuracy on held-out training "
        "images: 72.50 % with seed 4; skip"
    )


def test_a_random_search_that_is_not_finished_is_left_out_of_a_partial_table(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    files["runs"]["training"] = draw(files["runs"]["training"], tmp_path, {0: [71.0, 72.5], 1: [73.0, 72.0]})
    (tmp_path / "draws/seed3/test.json").unlink()
    found = read(files, partial=True)
    assert (found.search_seeds, found.spent.searches) == ((0,), [140.0])


def test_what_is_not_true_of_all_rows_names_those_it_is_true_of(tmp_path: Path) -> None:
    rows = [
        read(row(tmp_path / name, [97.0, 98.0], searches, name)) for name, searches in (("A", 0), ("B", 0), ("C", 2))
    ]
    texts = [text for label, text in protocol(rows) if label == "Cells"]
    assert [text.split(":")[0] for text in texts] == ["A, B", "C", "A, B and C"]
    assert texts[-1] == "A, B and C: one and the same cell"
    assert [label for label, _ in protocol(rows)].count("Data") == 1


def test_the_column_is_named_where_it_makes_a_difference(tmp_path: Path) -> None:
    searched = {"A": (0, 2), "B": (0, 0)}
    rows = [
        replace(read(row(tmp_path / f"{name}{place}", [97.0, 98.0], searches, name)), column=f"CIFAR-{10 * place + 10}")
        for name, counts in searched.items()
        for place, searches in enumerate(counts)
    ]
    texts = [text for label, text in protocol(rows) if label == "Cells"]
    assert [text.split(":")[0] for text in texts] == ["A (CIFAR-10), B", "A (CIFAR-20)", "A and B"]
    rows += [replace(row, architecture="C") for row in rows if row.architecture == "A"]
    texts = [text for label, text in protocol(rows) if label == "Cells"]
    assert [text.split(":")[0] for text in texts[:2]] == ["A, C (each CIFAR-10), B", "A, C (each CIFAR-20)"]


def test_the_dataset_is_named_where_a_table_without_columns_has_several_of_an_architecture(tmp_path: Path) -> None:
    whole, other = (read(row(tmp_path / name, [97.0], searches, "A")) for name, searches in (("a", 0), ("b", 1)))
    statements = protocol([whole, replace(other, dataset="few-digits")])
    assert [text.split(":")[0] for label, text in statements if label == "Cells"] == ["A (digits)", "A (few-digits)"]
    assert [text.split(", ")[0] for label, text in statements if label == "Data"] == [
        "digits", "few-digits (from digits)"
    ]  # fmt: skip


def test_data_are_those_of_columns_or_of_rows_where_a_column_has_several(tmp_path: Path) -> None:
    rows = [read(row(tmp_path / name, [97.0], architecture=name)) for name in "AB"]
    first = [replace(each, column="One") for each in rows]
    second = [replace(each, column="Two", dataset="few-digits") for each in rows]

    def data(*rows: Row) -> list[str]:
        return [text.split(", 1,347")[0] for label, text in protocol(rows) if label == "Data"]

    assert data(*first) == ["digits"]
    assert data(*first, *second) == ["One: digits", "Two: few-digits (from digits)"]
    assert data(*first, second[0], replace(second[1], dataset="digits")) == [
        "A (One), B: digits", "A (Two): few-digits (from digits)"
    ]  # fmt: skip


def test_one_is_not_many(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0], searches=1)
    path = tmp_path / "seed0/test.json"
    value = json.loads(path.read_text())
    value["settings"]["dataset"]["splits"]["test"]["images"] = value["images"] = 1
    value["settings"]["recipe"] |= {"cells": 1, "epochs": 1, "schedule": "linear"}
    write(path, value)
    write_metrics(tmp_path / "seed0/metrics.jsonl", 1)
    texts = said(read(files))
    assert "1 test image of 2 classes" in texts["Data"]
    assert texts["Training"].startswith("1 cell, 16 channels, 1 epoch on all 1,347 training images")
    assert "learning rate 0.025 (linear), weight decay" in texts["Training"]
    assert texts["Accuracy"].startswith("percent of 1 test image whose")
    assert texts["Selection"].endswith("none of the 1 epoch of 1 training was scored on test images")
    write_metrics(tmp_path / "seed0/metrics.jsonl", 1, test_accuracy=97.0)
    assert said(read(files))["Selection"] == "beware, 1 of 1 epoch of 1 training was scored on test images"


def test_alphas_that_are_never_frozen_are_said_to_be_that(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0], searches=1)
    for path in (tmp_path / "search/seed0").glob("*.json"):
        value = json.loads(path.read_text())
        value["settings"]["frozen_epochs"] = 0
        write(path, value)
    assert "3 epochs each, alphas never frozen, batch 96" in said(read(files))["Search"]


def test_the_deviation_is_explained_only_where_there_is_one(tmp_path: Path) -> None:
    single, several = read(row(tmp_path / "a", [97.0])), read(row(tmp_path / "b", [97.0, 98.0]))
    assert "±" not in said(single)["Accuracy"]
    assert "mean over n trainings ± sample standard deviation (n - 1)" in said(several)["Accuracy"]
    assert said(single, several)["Accuracy"].endswith("a single training has no deviation")


def test_no_selection_is_claimed_when_metrics_hold_test_scores(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0])
    assert said(read(files))["Selection"].startswith("none on test images; the weights after the last epoch are tested")
    write_metrics(tmp_path / "seed0/metrics.jsonl", test_accuracy=97.0)
    assert said(read(files))["Selection"] == "beware, 3 of 3 epochs of 1 training were scored on test images"
