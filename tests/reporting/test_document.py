"""The four forms of a table: whole, escaped, and the page in need of no other file."""

import csv
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pdarts import report as step
from pdarts.checking import parse
from pdarts.errors import InputError
from pdarts.reporting.cell_drawing import draw
from pdarts.reporting.curve_figures import training_curves
from pdarts.reporting.document import report
from pdarts.reporting.figures import save
from pdarts.reporting.page import escape_latex
from pdarts.reporting.result_files import read_lines
from pdarts.reporting.table_files import TableFiles
from pdarts.reporting.training_files import TrainingEpoch
from tests.genotypes import published
from tests.reporting.examples import provenance, row, write_test

VOID = {"meta", "link", "br", "img", "hr"}


class Page(HTMLParser):
    """Checks that tags nest, and collects ids, references and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.references.append(value or "")
            elif "url(" in (value or ""):
                self.references += re.findall(r"url\(([^)]*)\)", value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A searched row and a published one, which share a drawing."""
    folder = tmp_path_factory.mktemp("results")
    save(draw(published("PDARTS")), folder / "cells.svg")
    rows = [row(folder / "searched", [97.0, 98.0], 2, "Searched"), row(folder / "given", [96.5], 0, "Given")]
    epochs = read_lines(TrainingEpoch, folder / "searched/seed0/metrics.jsonl", "metrics", "train")
    save(training_curves("Training", [epochs]), folder / "curves.svg")
    for each in rows:
        each["cells"] = [str(folder / "cells.svg")]
    rows[0]["curves"] = [str(folder / "curves.svg")]
    return {"title": "Digits", "paper": None, "columns": {}, "rows": rows}


def rendered(files: dict[str, Any]) -> dict[str, str]:
    return report(parse(TableFiles, files, "table"))


def test_the_page_parses_and_loads_nothing(files: dict[str, Any]) -> None:
    page = Page(rendered(files)["html"])
    assert not {"link", "script", "img", "iframe", "object"} & set(page.tags)
    assert page.references
    assert all(reference.startswith("#") for reference in page.references)
    assert "@import" not in page.text


def test_drawings_on_the_page_share_no_ids_and_lose_none_that_they_refer_to(files: dict[str, Any]) -> None:
    page = Page(rendered(files)["html"])
    assert len(set(page.ids)) == len(page.ids) > 5
    assert {reference.removeprefix("#") for reference in page.references} <= set(page.ids)


def test_a_drawing_stands_on_the_page_once_though_rows_share_it_or_files_repeat_it(files: dict[str, Any]) -> None:
    copy = Path(files["rows"][0]["cells"][0]).with_name("copy.svg")
    copy.write_text(Path(files["rows"][0]["cells"][0]).read_text())
    shared = [{**each, "cells": [*each["cells"], str(copy)]} for each in files["rows"]]
    page = Page(rendered({**files, "rows": shared})["html"])
    assert page.tags.count("svg") == 2 + 1  # errors by cost
    assert "copy.svg" in page.text
    assert "Searched, Given" in page.text


def test_the_page_tells_accuracy_protocol_and_provenance(files: dict[str, Any]) -> None:
    text = " ".join(Page(rendered(files)["html"]).text.split())
    for part in (
        "97.50 ± 0.71",
        "1,347 training",
        "6 × search, 3 × train, 3 × test",
        "commit 4f1d2c9a7b3e, clean",
        "torch 2.14.1",
    ):
        assert part in text


def test_every_form_tells_the_same_accuracy_and_protocol(files: dict[str, Any]) -> None:
    forms = rendered(files)
    assert list(forms) == ["md", "csv", "tex", "html"]
    assert "97.50 ± 0.71" in forms["md"]
    assert r"97.50 $\pm$ 0.71" in forms["tex"]
    for form in ("md", "tex", "html"):
        assert "1,347 training and 450 test images" in forms[form]
    assert forms["csv"].count("\n") == 3


def test_datasets_of_one_source_are_told_apart_in_every_form(files: dict[str, Any], tmp_path: Path) -> None:
    few = row(tmp_path, [91.0], architecture="Given")
    few["runs"]["training"]["dataset"] = "few_digits"
    forms = rendered({**files, "rows": [files["rows"][1], few]})
    assert [line.split("|")[2].strip() for line in forms["md"].splitlines()[4:6]] == ["digits", "few_digits"]
    assert [line.split(",")[1] for line in forms["csv"].splitlines()] == ["dataset", "digits", "few_digits"]
    assert re.findall(r"Given & ([^ ]*) &", forms["tex"]) == ["digits", r"few\_digits"]
    assert re.findall(r'data-heading="Dataset">(.*)<', forms["html"]) == ["digits", "few_digits"]
    assert "<td>Given</td>\n<td>few_digits</td>" in forms["html"]
    for form, name in (("md", "few_digits"), ("tex", r"few\_digits"), ("html", "few_digits")):
        assert f"{name} (from digits), 1,347 training and 450 test images" in forms[form]


def test_trainings_of_one_architecture_and_dataset_are_named(files: dict[str, Any]) -> None:
    (runs,) = files["rows"][1]["runs"].values()
    forms = rendered({**files, "rows": [{**files["rows"][1], "runs": {"short": runs, "long": runs}}]})
    for form in ("md", "csv", "tex", "html"):
        assert "Given (short)" in forms[form]
        assert "Given (long)" in forms[form]


def test_a_table_without_columns_has_a_line_for_each_of_its_runs(files: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"rows\[0\]\.runs is empty; without columns a table has a line"):
        rendered({**files, "rows": [{**files["rows"][0], "runs": {}}]})


def test_a_name_stands_in_one_line_of_every_form_as_it_is(files: dict[str, Any]) -> None:
    name = "*_a_b_* & 5%\n\n|<i>~c~ $d$ `β` e\u0301 &lt; \\"
    forms = rendered({**files, "title": name, "rows": [{**files["rows"][1], "architecture": name}]})
    line = next(line for line in forms["md"].splitlines() if "digits" in line)
    assert r"| \*\_a_b\_\* & 5% \|\<i\>\~c\~ \$d\$ \`β\` e" in line
    assert r"\&lt; \\ | digits" in line
    latex = r"{*}\_a\_b\_{*} \& 5\% \textbar{}$<$i$>$\textasciitilde{}c\textasciitilde{} \$d\$ \textasciigrave{}$\beta$"
    assert rf"\caption{{{latex}" in forms["tex"]
    assert f"    {latex}" in forms["tex"]
    assert "é" in forms["tex"]
    assert name in Page(forms["html"]).text
    assert next(csv.DictReader(io.StringIO(forms["csv"], newline="")))["architecture"] == name


def test_names_are_escaped_in_html_and_latex(files: dict[str, Any]) -> None:
    title = r"<script>alert('x')</script> & 5% of $a_1$ \input{x} [y]"
    forms = rendered({**files, "title": title})
    page = Page(forms["html"])
    assert "script" not in page.tags
    assert title in page.text
    assert r"\& 5\% of \$a\_1\$ \textbackslash{}input\{x\} {[}y{]}" in forms["tex"]


def test_every_special_character_of_latex_is_escaped() -> None:
    escaped = escape_latex(r"\{}$&#%_^~")
    assert escaped == r"\textbackslash{}\{\}\$\&\#\%\_\textasciicircum{}\textasciitilde{}"


def test_a_latex_table_has_as_many_columns_in_every_line(files: dict[str, Any]) -> None:
    lines = [line for line in rendered(files)["tex"].splitlines() if line.endswith(r"\\")]
    assert len(lines) == 3
    assert {line.count(" & ") for line in lines} == {8}


def test_a_missing_or_broken_drawing_is_named(files: dict[str, Any], tmp_path: Path) -> None:
    first = files["rows"][0]
    with pytest.raises(
        InputError, match=r"no\.svg: this figure does not exist; pdarts\.draw or pdarts\.curves makes it"
    ):
        rendered({**files, "rows": [{**first, "cells": ["no.svg"]}]})
    broken = tmp_path / "broken.svg"
    broken.write_text(Path(first["cells"][0]).read_text()[:5000])
    with pytest.raises(InputError, match=r"broken\.svg: not a whole SVG"):
        rendered({**files, "rows": [{**first, "cells": [str(broken)]}]})


def test_the_step_writes_four_files_and_names_them(
    files: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stem = str(tmp_path / "tables/demo.v2")
    monkeypatch.setattr(sys, "argv", ["pdarts.report", "--table", json.dumps(files), "--output-stem", stem])
    step.main()
    written = [f"{stem}.{suffix}" for suffix in ("md", "csv", "tex", "html")]
    assert capsys.readouterr().out.splitlines() == written
    assert {path.name: path.read_text() for path in map(Path, written)} == {
        f"demo.v2.{suffix}": text for suffix, text in rendered(files).items()
    }


def test_a_misspelt_key_ends_in_one_message_with_the_right_one(files: dict[str, Any]) -> None:
    wrong = json.dumps({**files, "rows": [{**files["rows"][0], "run": {}}]})
    command = [sys.executable, "-m", "pdarts.report", "--table", wrong, "--output-stem", "/nowhere/x"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "rows[0].run: unknown key; did you mean 'runs'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_torch_is_needed_for_any_of_the_steps() -> None:
    code = "import sys, pdarts.draw, pdarts.curves, pdarts.report; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_single_result_of_a_rehearsal_stamps_all_forms(files: dict[str, Any], tmp_path: Path) -> None:
    assert not [form for form, text in rendered(files).items() if re.search("REHEARSAL|Rehearsal|>rehearsal", text)]
    runs = row(tmp_path, [97.0, 98.0])
    write_test(tmp_path / "seed1/test.json", 98.0, training_provenance=provenance(rehearsal=True))
    forms = rendered({**files, "rows": [*files["rows"], runs]})
    assert forms["md"].startswith(r"# REHEARSAL, no results: Digits")
    assert "| rehearsal: Accuracy (%) |" in forms["md"]
    lines = forms["csv"].splitlines()
    assert lines[0].startswith("rehearsal,")
    assert len(lines) == 4
    assert all(line.startswith("True,") for line in lines[1:])
    assert r"\caption{REHEARSAL, no results: Digits}" in forms["tex"]
    assert r"\textbf{Rehearsal: all of this was made at toy size" in forms["tex"]
    assert "<title>REHEARSAL, no results: Digits</title>" in forms["html"]
    assert '<p class="rehearsal">Rehearsal: all of this' in forms["html"]


def test_a_table_without_results_is_stamped_where_it_is_asked_for(files: dict[str, Any], tmp_path: Path) -> None:
    absent = {"trainings": {str(tmp_path): [0]}, "dataset": "digits", "search": None, "drawn": []}
    missing = {
        **files,
        "rows": [{**files["rows"][1], "runs": {"t": absent}}],
    }
    forms = report(parse(TableFiles, missing, "table"), partial=True, rehearsal=True)
    assert "REHEARSAL, no results" in forms["md"]


def test_a_table_of_the_paper_calls_what_was_measured_a_rehearsal(tmp_path: Path) -> None:
    runs = row(tmp_path, [97.0, 98.0])["runs"]["training"]
    line = {**row(tmp_path, [97.0, 98.0]), "paper": "PNAS", "runs": {"cifar10": runs}, "searches": {"cifar10": runs}}
    columns = {"cifar10": {"heading": "CIFAR-10", "measure": "top1_error"}}
    table = parse(TableFiles, {"title": "T", "paper": "table1", "columns": columns, "rows": [line]}, "table")
    text = report(table, rehearsal=True)["md"]
    assert "| CIFAR-10 error (%): rehearsal (n) |" in text
    assert "| CIFAR-10 error (%): rehearsal of searches (n) |" in text
    assert "- Columns: rehearsal: one genotype retrained with n seeds; rehearsal of searches: the genotypes" in text
    assert "rehearsal minus paper" in text
    assert re.findall(r"\(%\): here|: here:", text) == []
