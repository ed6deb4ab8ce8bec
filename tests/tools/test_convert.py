"""Genotypes are written in the form that is asked for."""

import json
from pathlib import Path

import pytest

from tests.by_hand import call
from tests.genotypes import FOLDER, published


def convert(genotype: Path, form: str, output: Path, *more: object) -> str | None:
    return call("tools.convert", "--genotype", genotype, "--form", form, "--output", output, *more)


def test_a_genotype_goes_through_all_forms_and_back(tmp_path: Path) -> None:
    forms = {"printed": tmp_path / "cell.txt", "nasbench301": tmp_path / "theirs", "pdarts": tmp_path / "cell.json"}
    source = FOLDER / "PDARTS.json"
    for form, path in forms.items():
        assert convert(source, form, path) is None
        source = path
    assert forms["printed"].read_text().startswith("Genotype(normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ")
    assert len(json.loads(forms["nasbench301"].read_text())) == 2 * (8 + 3)
    assert forms["pdarts"].read_text() == (FOLDER / "PDARTS.json").read_text()


def test_a_log_with_a_genotype_for_every_epoch_is_read_by_line(tmp_path: Path) -> None:
    names = ("DARTS_V1", "FairDARTS_d")
    for name in names:
        assert convert(FOLDER / f"{name}.json", "printed", tmp_path / name) is None
    log = tmp_path / "log.txt"
    log.write_text("".join(f"epoch {name}\ngenotype = {(tmp_path / name).read_text()}" for name in names))
    output = tmp_path / "cell.json"
    assert "log.txt has 2 genotypes, which begin on lines 2, 4" in str(convert(log, "pdarts", output))
    assert not output.exists()
    assert convert(log, "pdarts", output, "--line", 4) is None
    assert json.loads(output.read_text()) == published("FairDARTS_d").to_json()


def test_what_nas_bench_301_cannot_say_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(FOLDER / "FairDARTS_d.json", "nasbench301", tmp_path / "d.json") is None
    assert "FairDARTS_d.json lists [operation, target, source], and this form has only pairs" in capsys.readouterr().err
    assert "normal has node 3 with 1 input" in str(convert(FOLDER / "FairDARTS_b.json", "nasbench301", tmp_path / "b"))
    assert not (tmp_path / "b").exists()
