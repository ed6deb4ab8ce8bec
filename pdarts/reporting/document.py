"""Writes a table in four forms from the files behind its rows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from markupsafe import Markup
from matplotlib.figure import Figure as DrawnFigure

from pdarts.errors import counted
from pdarts.reporting import columns, comparison_table, plain_table, provenance_tables
from pdarts.reporting.comparison import compare
from pdarts.reporting.differences import Contrast, statements
from pdarts.reporting.figures import svg
from pdarts.reporting.grid import REHEARSAL, Grid, as_rehearsal, comma_separated, escape_markdown, markdown
from pdarts.reporting.legend import legend
from pdarts.reporting.measures import ERRORS
from pdarts.reporting.notes import notes
from pdarts.reporting.page import inline_svg, read_svg, render
from pdarts.reporting.paper import paper
from pdarts.reporting.protocol import protocol
from pdarts.reporting.rows import Row, merged, read_released, read_row
from pdarts.reporting.scatter import COSTS_EXPLAINED, costs, scatters
from pdarts.reporting.search_table import EXPLAINED, searches
from pdarts.reporting.statements import Statement
from pdarts.reporting.table_files import ReleasedFiles, RowFiles, Runs, TableFiles

REHEARSED = "Rehearsal: all of this was made at toy size, to see that it works. No number of it is a result."

EXPLAINING = ("Columns", "Paper")
"""Labels of the statements that explain headings."""


@dataclass(frozen=True)
class Figure:
    """A drawing on the page, with its files and its title."""

    paths: str
    title: str
    svg: Markup


@dataclass(frozen=True)
class Content:
    """The content of a table in all its forms."""

    grid: Grid
    records: list[dict[str, object]]
    """Raw values, one record for each line of the CSV file."""
    rows: list[Row]
    """The sets of runs behind the table, each once."""
    protocol: list[Statement]
    scatters: list[Figure]
    names: list[str]
    """Names of the lines, whose numbers the scatters show."""
    quoted: tuple[int, ...] = ()
    """Indices of the rows that only quote."""


def report(files: TableFiles, partial: bool = False, rehearsal: bool = False) -> dict[str, str]:
    """Write a table; returns its text by file suffix: `md`, `csv`, `tex` and `html`.

    Args:
        files: the files behind the table.
        partial: use the results that exist, and say which are missing.
        rehearsal: mark all numbers as a rehearsal's; a single result of a rehearsal does so too.

    Raises:
        InputError: if a file is not what it should be, or missing and `partial` is false.
    """
    content = (_compared if files.columns else _listed)(files, partial, rehearsal)
    warnings = [*_missing(content.rows), *notes(content.rows)]
    records = merged(content.rows)
    title = files.title
    stamped = rehearsal or _rehearsed(content.rows)
    if stamped:
        content, title = _stamped(content), f"REHEARSAL, no results: {title}"
    traced = searches(files, partial)
    values = {
        "title": title,
        "rehearsal": REHEARSED if stamped else "",
        "notes": warnings,
        "protocol": content.protocol,
        "grid": content.grid,
        "wide": bool(content.grid.rules),
    }
    page = {
        **values,
        "quoted": content.quoted,
        "scatters": content.scatters,
        "names": content.names,
        "costs_explained": COSTS_EXPLAINED,
        "traced": traced,
        "traces_explained": EXPLAINED,
        "costs": provenance_tables.costs(records),
        "end_to_end": provenance_tables.end_to_end(content.rows),
        "sections": [(kind.capitalize(), _figures(files.rows, kind, partial)) for kind in ("cells", "curves")],
        "origins": provenance_tables.origins(records),
    }
    lead = f"> {REHEARSED}\n\n" if stamped else ""
    said = [f"> {escape_markdown(sentence)}\n\n" for sentence in warnings]
    said += [f"- {escape_markdown(f'{label}: {text}')}\n" for label, text in content.protocol]
    if traced.rows:
        said.append(f"\n## Searches\n\n{markdown(traced)}\n{escape_markdown(EXPLAINED)}\n")
    return {
        "md": f"# {escape_markdown(title)}\n\n{lead}{markdown(content.grid)}\n{''.join(said)}",
        "csv": comma_separated(content.records),
        "tex": render("table.tex.j2", {**values, "parts": content.grid.parts(9) if values["wide"] else [content.grid]}),
        "html": render("table.html.j2", page),
    }


def _stamped(content: Content) -> Content:
    """Mark every number as a rehearsal's."""
    records = [{REHEARSAL: True, **record} for record in content.records]
    explained = [(label, as_rehearsal(text) if label in EXPLAINING else text) for label, text in content.protocol]
    return replace(content, grid=content.grid.rehearsed(), records=records, protocol=explained)


def _listed(files: TableFiles, partial: bool, rehearsal: bool) -> Content:
    """Make a table with a line for each training, which is named where architecture and dataset do not tell it."""
    lines = [(row.architecture, name, runs) for row in files.rows for name, runs in row.runs.items()]
    alike = Counter((architecture, runs.dataset) for architecture, _, runs in lines)
    rows = [
        read_row(f"{architecture} ({name})" if alike[architecture, runs.dataset] > 1 else architecture, runs, partial)
        for architecture, name, runs in lines
    ]
    baselines = [row for row, (architecture, *_) in zip(rows, lines, strict=True) if architecture == files.baseline]
    contrasts = plain_table.contrasts_of(rows, baselines)
    shown, told = plain_table.columns(files.baseline, contrasts), _differences(files.baseline, contrasts)
    return Content(
        grid=columns.grid(shown, rows),
        records=columns.records(shown, rows),
        rows=rows,
        protocol=[*protocol(rows), *told],
        scatters=_drawn(_costs(rows), rehearsal or _rehearsed(rows)),
        names=[row.architecture for row in rows],
    )


def _costs(rows: Sequence[Row]) -> Iterator[tuple[str, DrawnFigure]]:
    """Draw errors against costs for each dataset."""
    for dataset in dict.fromkeys(row.dataset for row in rows):
        lines = [(number, row, plain_table.errors(row)) for number, row in enumerate(rows, 1) if row.dataset == dataset]
        yield from costs(dataset or "", lines)


def _drawn(figures: Iterable[tuple[str, DrawnFigure]], stamped: bool) -> list[Figure]:
    """Make drawings on the page of figures with their titles."""
    return [
        Figure("", title, inline_svg(svg(figure, stamped), title, f"scatter{index}-", title))
        for index, (title, figure) in enumerate(figures)
    ]


def _compared(files: TableFiles, partial: bool, rehearsal: bool) -> Content:
    """Make a table of the paper, with results of this workflow beside its figures."""
    known: dict[tuple[str, str, str], Row] = {}

    def row_of(architecture: str, column: str, made_of: Runs | ReleasedFiles) -> Row:
        key = architecture, column, made_of.model_dump_json()
        if key not in known:
            if isinstance(made_of, ReleasedFiles):
                known[key] = read_released(architecture, column, made_of)
            else:
                known[key] = read_row(architecture, made_of, partial, column)
        return known[key]

    comparisons = compare(files, row_of)
    figures = paper().tables[files.paper] if files.paper else None
    contrasts = comparison_table.contrasts_of(comparisons, files.baseline) if files.baseline else {}
    unverified = figures is not None and figures.unverified
    shown = comparison_table.columns(comparisons, unverified, files.baseline, contrasts)
    measures = [ERRORS[column.measure] for column in files.columns.values()]
    rows = list(known.values())
    return Content(
        grid=columns.grid(shown, comparisons).without_empty_columns(),
        records=columns.records(shown, comparison_table.entries(comparisons)),
        rows=rows,
        protocol=[
            *legend(comparisons, figures),
            *protocol(rows, list(dict.fromkeys(measures))),
            *_differences(files.baseline, contrasts),
        ],
        scatters=_drawn(scatters(comparisons), rehearsal or _rehearsed(rows)),
        names=[comparison.architecture for comparison in comparisons],
        quoted=tuple(index for index, each in enumerate(comparisons) if each.quoted),
    )


def _differences(baseline: str | None, contrasts: Mapping[int, Contrast]) -> list[Statement]:
    return [] if baseline is None or not contrasts else statements(baseline, [*contrasts.values()])


def _rehearsed(rows: Sequence[Row]) -> bool:
    return any(record.rehearsal for record, _ in merged(rows).values())


def _missing(rows: Sequence[Row]) -> list[str]:
    """Warn if declared results are missing; those that several rows or columns show count once."""
    declared = {path for row in rows if not row.released for path in row.declared}
    found = declared.intersection(path for row in rows for path in row.tests)
    if found == declared:
        return []
    have = "has" if len(found) == 1 else "have"
    return [f"Incomplete: {len(found)} of {counted(len(declared), 'training')} {have} results."]


def _figures(rows: Sequence[RowFiles], kind: Literal["cells", "curves"], partial: bool) -> list[Figure]:
    """Read the drawings, each once even if several files hold it or several rows show it."""
    users: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        for path in row.cells if kind == "cells" else row.curves:
            if not partial or Path(path).exists():
                users.setdefault(read_svg(Path(path)), []).append((row.architecture, path))
    figures = []
    for index, (text, used) in enumerate(users.items()):
        names, paths = (", ".join(dict.fromkeys(column)) for column in zip(*used, strict=True))
        drawing = inline_svg(text, paths, f"{kind}{index}-", f"{kind.capitalize()}: {names}")
        figures.append(Figure(paths, names, drawing))
    return figures
