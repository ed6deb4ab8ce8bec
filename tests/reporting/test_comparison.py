"""What was measured stands beside what is printed, each said to be what it is."""

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pdarts.checking import parse
from pdarts.reporting.document import report
from pdarts.reporting.table_files import TableFiles
from tests.reporting.examples import choose, draw, provenance, runs, write, write_stage, write_test

CIFAR10, CIFAR100 = "CIFAR-10 error (%): ", "CIFAR-100 error (%): "
QUOTED, MEASURED, BARE = "PNAS †", "P-DARTS CIFAR10 + cutout", "Random cells"


def files(folder: Path, **changes: Any) -> dict[str, Any]:
    """A quoted row, one that is measured on CIFAR-10 and not run on CIFAR-100, and random cells."""
    nothing = {"runs": {}, "searches": {}, "released": {}, "paper": None, "independent": {}, "cells": [], "curves": []}
    absent = {"trainings": {str(folder / "nowhere"): [0]}, "dataset": "cifar100", "search": None, "drawn": []}
    measured = {
        **nothing,
        "architecture": MEASURED,
        "runs": {"cifar10": runs(folder / "one", [97.4, 97.6, 97.5], 1), "cifar100": absent},
        "searches": {"cifar10": runs(folder / "several", [97.0, 97.4], 2)},
        "paper": MEASURED,
        "independent": {"cifar10": "P-DARTS"},
    }
    rows = [
        {**nothing, "architecture": "PNAS", "paper": "PNAS"},
        {**measured, **changes},
        {**nothing, "architecture": BARE, "searches": {"cifar10": runs(folder / "random", [96.0, 97.0])}},
    ]
    columns = {
        name: {"heading": name.upper().replace("R1", "R-1"), "measure": "top1_error"}
        for name in ("cifar10", "cifar100")
    }
    return {"title": "T", "paper": "table1", "columns": columns, "rows": rows}


def forms(files: dict[str, Any]) -> dict[str, str]:
    return report(parse(TableFiles, files, "table"), partial=True)


def shown(files: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Cells of the Markdown table by row and heading."""
    lines = [line for line in forms(files)["md"].split("\n## ")[0].splitlines() if line[:1] == "|"]
    heading, _, *body = [
        [cell.strip().replace("\N{NO-BREAK SPACE}", " ") for cell in line.strip("|").split("|")] for line in lines
    ]
    return {row[0]: dict(zip(heading, row, strict=True)) for row in body}


def test_a_measured_error_stands_with_its_deviation_and_n_beside_the_papers(tmp_path: Path) -> None:
    row = shown(files(tmp_path))[MEASURED]
    assert row[CIFAR10 + "here (n)"] == "2.50 ± 0.10 (3)"
    assert row[CIFAR10 + "paper (difference)"] == "2.50 (0.00)"
    assert row[CIFAR10 + "searches (n)"] == "2.80 ± 0.28 (2)"
    assert row[CIFAR10 + "others"] == "2.70–2.88"


def test_what_is_declared_without_results_is_not_run_and_keeps_the_papers_figure(tmp_path: Path) -> None:
    row = shown(files(tmp_path))[MEASURED]
    assert (row[CIFAR100 + "here (n)"], row[CIFAR100 + "paper (difference)"]) == ("not run", "16.55")
    assert "> Incomplete: 7 of 8 trainings have results." in forms(files(tmp_path))["md"]


def test_a_quoted_row_is_marked_and_shows_nothing_as_measured(tmp_path: Path) -> None:
    row = shown(files(tmp_path))[QUOTED]
    assert (row[CIFAR10 + "here (n)"], row[CIFAR10 + "paper (difference)"]) == ("–", "3.41")
    assert (row["Parameters: paper (M)"], row["Search cost: paper (GPU-days)"], row["Method"]) == ("3.2", "225", "SMBO")
    assert "- †: all figures quoted from the paper" in forms(files(tmp_path))["md"]


def test_sizes_are_exact_beside_the_papers(tmp_path: Path) -> None:
    row = shown(files(tmp_path))[MEASURED]
    assert (row["Parameters: here"], row["Parameters: paper (M)"]) == ("3,433,798", "3.4")
    assert row["Multiply-adds: here"] == "532,174,464"


def test_searches_cost_gpu_days_on_a_named_device_or_the_time_of_a_processor(tmp_path: Path) -> None:
    table = files(tmp_path)
    assert shown(table)[MEASURED]["Search cost: here"] == "90 s"
    assert "; search cost: of searches on AMD EPYC 7B13, 1 thread; " in forms(table)["md"]
    for stage in (1, 2, 3):
        gpus = provenance(device="NVIDIA V100", device_type="cuda", processes=2)
        write_stage(tmp_path / f"one/search/seed0/stage{stage}.json", stage, seconds=4320.0, provenance=gpus)
    assert shown(table)[MEASURED]["Search cost: here"] == "0.3 GPU-days"
    assert "; search cost: of searches on 2 × NVIDIA V100; " in forms(table)["md"]


def test_searches_on_several_devices_name_theirs_where_their_cost_stands(tmp_path: Path) -> None:
    table = files(tmp_path)
    gpu = provenance(device="NVIDIA V100", device_type="cuda")
    other = {**table["rows"][1], "architecture": "Other", "runs": {"cifar10": runs(tmp_path / "other", [97.0], 1)}}
    table["rows"].append(other)
    for stage in (1, 2, 3):
        write_stage(tmp_path / f"one/search/seed0/stage{stage}.json", stage, seconds=8640.0, provenance=gpu)
    rows = shown(table)
    assert rows[MEASURED]["Search cost: here"] == "0.3 GPU-days (NVIDIA V100)"
    assert rows["Other"]["Search cost: here"] == "90 s (AMD EPYC 7B13, 1 thread)"
    assert "of searches on" not in forms(table)["md"]
    write_stage(tmp_path / "one/search/seed0/stage3.json", 3, seconds=30.0)
    assert "‡ (NVIDIA V100; AMD EPYC 7B13, 1 thread)" in shown(table)[MEASURED]["Search cost: here"]


def test_a_choice_costs_all_searches_and_their_validations(tmp_path: Path) -> None:
    table = files(tmp_path)
    table["rows"][1]["runs"]["cifar10"] = runs(tmp_path / "one", [97.4, 97.6, 97.5], 2)
    choose(table["rows"][1], tmp_path / "one", 1, [71.0, 72.5])
    cost = "2 × (90 s + 70 s to choose)"
    assert shown(table)[MEASURED]["Search cost: here"] == cost
    gpu = provenance(device="NVIDIA V100", device_type="cuda")
    for seed in (0, 1):
        for stage in (1, 2, 3):
            path = tmp_path / f"one/search/seed{seed}/stage{stage}.json"
            write_stage(path, stage, seconds=8640.0, provenance=gpu)
        path = tmp_path / f"one/validation/seed{seed}/test.json"
        write(path, json.loads(path.read_text()) | {"training_seconds": 86390.0, "training_provenance": gpu})
    assert shown(table)[MEASURED]["Search cost: here"] == "2 × (0.3 + 1 to choose) GPU-days"


def test_a_random_search_costs_all_its_short_trainings_in_the_row_whose_cells_it_chooses(tmp_path: Path) -> None:
    table = files(tmp_path)
    drawn = draw(table["rows"][2]["searches"]["cifar10"], tmp_path / "random", {0: [71.0, 72.5], 1: [73.0, 72.0]})
    table["rows"][2]["searches"]["cifar10"] = drawn
    assert shown(table)[BARE]["Search cost: here"] == "140 s"
    lines = list(csv.DictReader(io.StringIO(forms(table)["csv"])))
    (line,) = (line for line in lines if (line["architecture"], line["varies"]) == (BARE, "search"))
    assert (line["searches"], line["search_seconds"], line["validation_seconds"]) == ("2", "140.0", "")


def test_a_mixed_number_is_marked_where_it_stands_and_no_other(tmp_path: Path) -> None:
    table = {**files(tmp_path), "baseline": BARE}
    write_test(tmp_path / "one/seed1/test.json", 97.6, provenance=provenance(commit="b" * 40))
    row = shown(table)[MEASURED]
    assert row[CIFAR10 + "here (n)"] == "2.50 ± 0.10 (3) ‡"
    assert "‡" not in row[CIFAR10 + "searches (n)"]
    assert f"Within single numbers (‡): {MEASURED}." in forms(table)["md"]


def test_released_weights_stand_in_a_row_of_their_own_or_say_where_their_file_belongs(tmp_path: Path) -> None:
    table = files(tmp_path)
    released = {"test": str(tmp_path / "test.json"), "dataset": "digits", "file": "checkpoints/theirs.pt"}
    released |= {"origin": "linked on their page"}
    nothing = {**table["rows"][0], "paper": MEASURED}
    table["rows"].append({**nothing, "architecture": "Released", "released": {"cifar10": released}})
    whole = forms({**table, "rows": table["rows"][2:]})["md"]
    assert shown(table)["Released"][CIFAR10 + "here (n)"] == "not run"
    assert "- Not run: Released: put the file checkpoints/theirs.pt there (linked on their page)" in whole
    assert "Incomplete" not in whole

    settings = json.loads((tmp_path / "one/seed0/test.json").read_text())["settings"] | {"recipe": None}
    untold = {"training_seconds": None, "training_provenance": None}
    write_test(tmp_path / "test.json", 97.58, settings=settings, **untold)
    row = shown(table)["Released"]
    assert (row[CIFAR10 + "here (n)"], row[CIFAR10 + "paper (difference)"]) == ("2.42 (1)", "2.42 (0.00)")
    text = forms(table)["md"]
    assert "Released: by others, who offer the weights; tested here, not retrained here" in text
    assert "Not run: Released" not in text


def test_differences_have_a_sign(tmp_path: Path) -> None:
    table = files(tmp_path)
    for seed in range(3):
        write_test(tmp_path / f"one/seed{seed}/test.json", 97.75)
    assert shown(table)[MEASURED][CIFAR10 + "paper (difference)"] == "2.50 (\N{MINUS SIGN}0.25)"
    for seed in range(3):
        write_test(tmp_path / f"one/seed{seed}/test.json", 97.25)
    assert shown(table)[MEASURED][CIFAR10 + "paper (difference)"] == "2.50 (+0.25)"


def test_top_five_errors_come_from_the_same_trainings(tmp_path: Path) -> None:
    table = files(tmp_path)
    both = {
        "top1": {"heading": "Top-1", "measure": "top1_error"},
        "top5": {"heading": "Top-5", "measure": "top5_error"},
    }
    these = runs(tmp_path / "one", [97.4, 97.6, 97.5])
    row = {**table["rows"][1], "architecture": "NASNet-A", "paper": "NASNet-A", "searches": {}, "independent": {}}
    row["runs"] = {"top1": these, "top5": these}
    table = {"title": "T", "paper": "table2", "columns": both, "rows": [row]}
    cells = shown(table)["NASNet-A"]
    assert (cells["Top-1 error (%): here (n)"], cells["Top-5 error (%): here (n)"]) == (
        "2.50 ± 0.10 (3)",
        "0.50 ± 0.00 (3)",
    )
    assert cells["Top-1 error (%): paper (difference)"].startswith("26.0 (")  # as printed
    text = forms(table)["md"]
    assert "none of the 9 epochs of 3 trainings was scored on test images" in text
    assert "genotype PDARTS: accuracy 75.6 % top-1, 92.6 % top-5" in text
    assert "NASNet-A 604 M where it prints 564 M" in text
    (tmp_path / "one/seed1/test.json").unlink()
    assert "> Incomplete: 2 of 3 trainings have results." in forms(table)["md"]


def test_unverified_figures_say_so_over_their_column(tmp_path: Path) -> None:
    row = {**files(tmp_path)["rows"][0], "paper": "3 skip connections"}
    columns = {"with_dropout": {"heading": "With dropout", "measure": "top1_error"}}
    text = forms({"title": "T", "paper": "skip_study", "columns": columns, "rows": [row]})["md"]
    assert "With dropout error (%): paper, unverified (difference)" in text
    assert "from memory, not compared with the paper: unverified" in text


def test_a_recipe_of_the_methods_own_authors_is_told_where_a_row_is_retrained(tmp_path: Path) -> None:
    names = ["DARTS (first order)", "DARTS (second order)", "PC-DARTS", "Fair DARTS"]
    given = {name: {**files(tmp_path)["rows"][1], "architecture": name, "paper": name} for name in names}
    given["Fair DARTS"] |= {"runs": {}, "searches": {}}
    columns = {"cifar10": {"heading": "CIFAR-10", "measure": "top1_error"}}
    text = forms({"title": "T", "paper": "methods", "columns": columns, "rows": list(given.values())})["md"]
    assert [line for line in text.splitlines() if "retrained by the authors" in line] == [
        "- Paper: DARTS (first order), DARTS (second order): retrained by the authors of the method with batches of 96 "
        "and drop path 0.2, in this table as stands under Training",
        "- Paper: PC-DARTS: retrained by the authors of the method with batches of 96 and drop path 0.3, in this table "
        "as stands under Training",
    ]


def test_csv_holds_every_measured_and_quoted_figure_in_full(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(forms(files(tmp_path))["csv"])))
    by = {(row["architecture"], row["column"], row["varies"]): row for row in rows}
    one = by[MEASURED, "CIFAR-10", "retraining"]
    assert float(one["error_mean"]) == pytest.approx(2.5, abs=1e-12)
    assert [float(value) for value in one["errors"].split(";")] == pytest.approx([2.6, 2.4, 2.5])
    assert (one["origin"], one["n"], one["expected"], one["paper_error"]) == ("here", "3", "3", "2.5")
    assert by[MEASURED, "CIFAR-10", "search"]["searches"] == "2"
    assert by[MEASURED, "CIFAR-100", "retraining"]["origin"] == "not run"
    assert [by[MEASURED, column, "retraining"]["dataset"] for column in ("CIFAR-10", "CIFAR-100")] == [
        "digits", "cifar100"
    ]  # fmt: skip
    assert by["PNAS", "CIFAR-10", ""]["dataset"] == ""
    assert by["PNAS", "CIFAR-10", ""]["origin"] == "quoted"
    assert by["PNAS", "CIFAR-10", ""]["paper_search_gpu_days"] == "225"
    assert by["PNAS", "CIFAR-100", ""]["origin"] == ""


def test_a_table_without_any_result_can_be_set(tmp_path: Path) -> None:
    table = files(tmp_path)
    for name in ("one", "several", "random"):
        shutil.rmtree(tmp_path / name)
    made = forms(table)
    assert "> Incomplete: 0 of 8 trainings have results." in made["md"]
    assert "no training has been run and tested yet" in made["html"]


def test_every_form_shows_the_same_cells(tmp_path: Path) -> None:
    made = forms(files(tmp_path))
    for cell in ("2.80 ± 0.28 (2)", "2.70–2.88", "not run"):
        assert cell in made["md"]
        assert cell in made["html"].replace("\N{NO-BREAK SPACE}", " ")
        assert cell.replace("±", r"$\pm$").replace("–", "--") in made["tex"]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
def test_latex_compiles(tmp_path: Path) -> None:
    table = {**files(tmp_path), "baseline": BARE}
    write_test(tmp_path / "one/seed1/test.json", 97.6, provenance=provenance(commit="b" * 40))
    plain = {
        "title": "50 % & more_ β é `*",
        "paper": None,
        "columns": {},
        "rows": [{**table["rows"][1], "searches": {}, "paper": None}],
    }
    (tmp_path / "wide.tex").write_text(forms(table)["tex"])
    (tmp_path / "plain.tex").write_text(forms(plain)["tex"])
    (tmp_path / "all.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}\input{wide}\input{plain}\end{document}"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert (tmp_path / "all.pdf").stat().st_size > 10_000


def test_a_single_unverified_figure_says_so_itself(tmp_path: Path) -> None:
    rows = [{**files(tmp_path)["rows"][0], "architecture": name, "paper": name} for name in ("Fair DARTS", "DARTS-")]
    table = {
        "title": "T",
        "paper": "methods",
        "columns": {"cifar10": files(tmp_path)["columns"]["cifar10"]},
        "rows": rows,
    }
    printed = {name: cells[CIFAR10 + "paper (difference)"] for name, cells in shown(table).items()}
    assert printed == {"Fair DARTS †": "2.54", "DARTS- †": "2.59 unverified"}
    text = forms(table)["md"]
    assert "DARTS-: mean of 5 searches, ± 0.08; arXiv:2009.01027; from memory, not compared with the paper" in text
    assert "SDARTS" not in text  # nothing of rows that are not there
