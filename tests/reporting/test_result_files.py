"""Files that are not what they should be are named, with the step that makes them anew."""

import json
from pathlib import Path
from typing import Any

import pytest

from pdarts.errors import InputError
from pdarts.reporting.result_files import read, read_lines
from pdarts.reporting.search_files import StageResult
from pdarts.reporting.training_files import Evaluation, TrainingEpoch
from tests.reporting.examples import write_metrics, write_stage, write_test


def test_a_missing_file_is_named_with_the_step_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"test\.json: this test result does not exist; pdarts\.test makes it"):
        read(Evaluation, tmp_path / "test.json", "test result", "pdarts.test")
    with pytest.raises(InputError, match=r"m\.jsonl: this metrics file does not exist; pdarts\.train makes it"):
        read_lines(TrainingEpoch, tmp_path / "m.jsonl", "metrics file", "pdarts.train")


@pytest.mark.parametrize(("figure", "said"), [(float("nan"), "a finite number"), (None, "a valid number")])
def test_a_figure_that_is_none_is_named(tmp_path: Path, figure: Any, said: str) -> None:
    path = Path(write_test(tmp_path / "test.json", figure))
    with pytest.raises(InputError, match=rf"test\.json: not a test result: top1: Input should be {said}"):
        read(Evaluation, path, "test result", "pdarts.test")


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = Path(write_test(tmp_path / "test.json", 97.5))
    value = json.loads(path.read_text())
    del value["settings"]["recipe"]["epochs"]
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match=r"test\.json: not a test result: settings\.recipe\.epochs: Field required"):
        read(Evaluation, path, "test result", "pdarts.test")


def test_a_stage_file_without_one_edge_is_refused(tmp_path: Path) -> None:
    path = Path(write_stage(tmp_path / "stage1.json"))
    value = json.loads(path.read_text())
    value["cells"]["reduction"].pop()
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match=r"cells\.reduction: Tuple should have at least 14 items"):
        read(StageResult, path, "stage file", "pdarts.search")


def test_a_line_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = Path(write_metrics(tmp_path / "metrics.jsonl"))
    path.write_text(path.read_text()[:-30])
    with pytest.raises(InputError, match=r"metrics\.jsonl: not a metrics file .*make it anew with pdarts\.train"):
        read_lines(TrainingEpoch, path, "metrics file", "pdarts.train")


def test_an_empty_metrics_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.raises(InputError, match="is empty"):
        read_lines(TrainingEpoch, tmp_path / "metrics.jsonl", "metrics file", "pdarts.train")
