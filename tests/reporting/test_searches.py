"""What a trace says of a search: when its cell changed, and when it settled."""

import json
from pathlib import Path

import pytest

from pdarts.checking import parse
from pdarts.errors import InputError
from pdarts.reporting.document import report
from pdarts.reporting.search_table import searches
from pdarts.reporting.searches import read_trace
from pdarts.reporting.table_files import TableFiles
from tests.genotypes import published
from tests.reporting.examples import row, write_trace


def test_a_search_has_settled_where_a_cell_changed_last(tmp_path: Path) -> None:
    cells = ("DARTS_V2", "PDARTS", "DARTS_V1", "DARTS_V1")
    trace = read_trace(Path(write_trace(tmp_path / "trace.jsonl", (0,) * 4, cells)))
    assert trace.changes == [2, 3, 5, 6, 7, 9, 10, 11]
    assert trace.settled == 11
    path = Path(write_trace(tmp_path / "same.jsonl"))
    assert read_trace(path).settled == 1
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines[:4]:
        line["genotype"] |= {"reduce": published("DARTS_V2").to_json()["reduce"]}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_trace(path).changes == [5]


def test_a_table_lists_each_search_once_with_skips_before_and_after_the_limit(tmp_path: Path) -> None:
    rows = [row(tmp_path, [97.0, 98.0], 2), row(tmp_path, [97.0, 98.0], 2, architecture="The same")]
    write_trace(tmp_path / "search/seed1/trace.jsonl", (9, 5, 4), ("PDARTS", "DARTS_V2"), limit=2, frozen=1)
    files = {"title": "T", "paper": None, "columns": {}, "rows": rows}
    grid = searches(parse(TableFiles, files, "table"), partial=False)
    sizes = "1.0, 2.0, 3.0"
    assert grid.rows == (
        ("P-DARTS, The same", "0", "1 of 9", "0, 0, 0", "0 in epoch 1", sizes, "0.333, 0.333, 0.333"),
        ("P-DARTS, The same", "1", "9 of 9", "2 (4), 2 (4), 2 (4)", "5 in epoch 2", sizes, "0.333, 0.333, 0.333"),
    )
    (tmp_path / "search/seed1/trace.jsonl").unlink()
    assert len(searches(parse(TableFiles, files, "table"), partial=True).rows) == 1
    with pytest.raises(InputError, match=r"trace\.jsonl: this trace of a search does not exist; pdarts\.trace makes"):
        searches(parse(TableFiles, files, "table"), partial=False)


def test_tables_with_searches_tell_of_them_in_markdown_and_on_the_page(tmp_path: Path) -> None:
    for searched in (0, 1):
        files = {"title": "T", "paper": None, "columns": {}, "rows": [row(tmp_path / str(searched), [97.0], searched)]}
        forms = report(parse(TableFiles, files, "table"))
        told = {form: "1 of 9" in text for form, text in forms.items()}
        assert told == {"md": bool(searched), "html": bool(searched), "csv": False, "tex": False}
