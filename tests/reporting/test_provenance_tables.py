"""Costs are sums of what was recorded."""

from dataclasses import replace
from pathlib import Path

from pdarts.reporting.provenance_tables import costs, end_to_end
from tests.reporting.examples import choose, provenance, read, row, write_stage, write_test


def test_every_step_and_device_has_a_line_and_all_together_one(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0], searches=1)
    gpus = provenance(device="NVIDIA V100", device_type="cuda", processes=2)
    write_test(tmp_path / "seed1/test.json", 98.0, training_provenance=gpus, training_seconds=43200.0)
    rows = costs(read(files).records).rows
    assert [line[:3] for line in rows] == [
        ("search", "AMD EPYC 7B13, 1 thread", "3"),
        ("train", "AMD EPYC 7B13, 1 thread", "1"),
        ("train", "2 × NVIDIA V100", "1"),
        ("test", "AMD EPYC 7B13, 1 thread", "2"),
        ("all", "", "7"),
    ]
    assert [line[5] for line in rows] == ["–", "–", "1.00", "–", "1.00"]
    assert rows[0][3:5] == ("30\N{NO-BREAK SPACE}s", "90\N{NO-BREAK SPACE}s")


def test_end_to_end_counts_every_search_its_validation_and_one_retraining(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0], searches=2)
    write_stage(tmp_path / "search/seed1/stage3.json", 3, seconds=60.0)
    (line,) = end_to_end([read(files)]).rows
    assert line == (
        "P-DARTS",
        "digits",
        "1",
        "105\N{NO-BREAK SPACE}s",
        "–",
        "60\N{NO-BREAK SPACE}s",
        "165\N{NO-BREAK SPACE}s",
    )
    choose(files, tmp_path, 1, [71.0, 72.5])
    (line,) = end_to_end([read(files)]).rows
    assert line == (
        "P-DARTS",
        "digits",
        "2",
        "105\N{NO-BREAK SPACE}s",
        "70\N{NO-BREAK SPACE}s",
        "60\N{NO-BREAK SPACE}s",
        "410\N{NO-BREAK SPACE}s",
    )
    (given,) = end_to_end([read(row(tmp_path / "given", [97.0]))]).rows
    assert given[2:] == ("0", "–", "–", "60\N{NO-BREAK SPACE}s", "60\N{NO-BREAK SPACE}s")


def test_datasets_of_one_source_have_a_line_each(tmp_path: Path) -> None:
    rows = [read(row(tmp_path / name, [97.0])) for name in "ab"]
    lines = end_to_end([rows[0], replace(rows[1], dataset="few-digits")]).rows
    assert [line[1] for line in lines] == ["digits", "few-digits"]


def test_columns_that_show_the_same_runs_share_a_line(tmp_path: Path) -> None:
    both = read(row(tmp_path / "both", [97.0]))
    other = read(row(tmp_path / "other", [97.0]))
    rows = [replace(both, column="Top-1"), replace(both, column="Top-5"), replace(other, column="CIFAR-10")]
    assert [line[1] for line in end_to_end(rows).rows] == ["Top-1, Top-5", "CIFAR-10"]
