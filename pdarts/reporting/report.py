"""One table in four forms, from the files behind its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from markupsafe import Markup

from pdarts.reporting.page import inline_svg, read_svg, render
from pdarts.reporting.protocol import merged, notes, protocol
from pdarts.reporting.results import Provenance
from pdarts.reporting.rows import Row, RowFiles, TableFiles, read_row
from pdarts.reporting.table import HEADINGS, NUMERIC, cells, comma_separated, escape_markdown, line, markdown


@dataclass(frozen=True)
class Figure:
    """A drawing on the page, its files, and the rows that it belongs to."""

    paths: str
    rows: str
    svg: Markup


@dataclass(frozen=True)
class Origin:
    """What results that were made alike have in common."""

    results: str
    code: str
    versions: str
    device: str
    started: str


def report(files: TableFiles) -> dict[str, str]:
    """The table as text by file suffix: `md`, `csv`, `tex` and `html`.

    Raises:
        InputError: if a file is missing or not what it should be.
    """
    rows = [read_row(row) for row in files.rows]
    lines = [line(row) for row in rows]
    warnings, statements = notes(rows), protocol(rows)
    values = {
        "title": files.title,
        "notes": warnings,
        "protocol": statements,
        "headings": HEADINGS,
        "rows": [cells(each) for each in lines],
        "numeric": NUMERIC,
    }
    alignment = "".join("r" if column in NUMERIC else "l" for column in range(len(HEADINGS)))
    sections = [("Cells", _figures(files.rows, "cells")), ("Curves", _figures(files.rows, "curves"))]
    said = [f"> {escape_markdown(sentence)}\n\n" for sentence in warnings]
    said += [f"- {escape_markdown(f'{label}: {text}')}\n" for label, text in statements]
    return {
        "md": f"# {escape_markdown(files.title)}\n\n{markdown(lines)}\n{''.join(said)}",
        "csv": comma_separated(lines),
        "tex": render("table.tex.j2", {**values, "alignment": alignment}),
        "html": render("table.html.j2", {**values, "sections": sections, "provenance": _origins(rows)}),
    }


def _figures(rows: Sequence[RowFiles], kind: Literal["cells", "curves"]) -> list[Figure]:
    """Every drawing once, though several files hold it or several rows share it."""
    users: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        for path in row.cells if kind == "cells" else row.curves:
            users.setdefault(read_svg(Path(path)), []).append((row.architecture, path))
    figures = []
    for place, (text, used) in enumerate(users.items()):
        names, paths = (", ".join(dict.fromkeys(column)) for column in zip(*used, strict=True))
        svg = inline_svg(text, paths, f"{kind}{place}-", f"{kind.capitalize()}: {names}")
        figures.append(Figure(paths, names, svg))
    return figures


def _origins(rows: Sequence[Row]) -> list[Origin]:
    """Results of the same code, versions and device in one line each."""
    groups: dict[tuple[str, str, str], list[tuple[str, Provenance]]] = {}
    for (step, _), record in merged(rows).items():
        groups.setdefault((_code(record), _versions(record), record.where), []).append((step, record))
    origins = []
    for (code, versions, device), results in groups.items():
        steps = [step for step, _ in results]
        counted = ", ".join(f"{steps.count(step)} × {step}" for step in dict.fromkeys(steps))
        started = sorted(record.started for _, record in results)
        times = " to ".join(dict.fromkeys(time[:16].replace("T", " ") for time in (started[0], started[-1])))
        origins.append(Origin(counted, code, versions, device, times))
    return origins


def _versions(record: Provenance) -> str:
    used = {
        "Python": record.python,
        "torch": record.torch,
        "torchvision": record.torchvision,
        "Snakemake": record.snakemake,
    }
    return ", ".join(f"{name} {version or 'unknown'}" for name, version in used.items())


def _code(record: Provenance) -> str:
    if record.commit is None:
        return f"pdarts {record.version or 'unknown'}, commit unknown"
    state = {True: "clean", False: "with uncommitted changes", None: "state unknown"}[record.clean]
    return f"pdarts {record.version or 'unknown'}, commit {record.commit[:12]}, {state}"
