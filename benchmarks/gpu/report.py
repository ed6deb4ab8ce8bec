"""The report of a check: Markdown to paste into an issue and JSON with all numbers, written anew with every line."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.gpu.check import Part, Row
from benchmarks.gpu.totals import totals
from pdarts.engine.files import write_json, write_text


@dataclass
class Section:
    """A part and what is known of it so far."""

    part: Part
    rows: list[Row] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """Warnings."""
    unfinished: str | None = "not begun: there was no time left"
    """Why lines are missing; None if none is."""
    seconds: float = 0.0

    @property
    def right(self) -> bool:
        """Whether nothing is wrong, and all is known that decides."""
        known = self.unfinished is None or not self.part.decides
        return known and all(row.get("right") is not False for row in self.rows)


class Report:
    """Sections in order, kept in a folder as `gpu-check.md` and `gpu-check.json`."""

    def __init__(self, folder: Path, title: str, parts: tuple[Part, ...]) -> None:
        self.folder, self.title = folder, title
        self.sections = [Section(part) for part in parts]

    @property
    def wrong(self) -> list[str]:
        """Titles of sections in which something is wrong, or not known although it decides."""
        return [section.part.title for section in self.sections if not section.right]

    def write(self) -> None:
        """Write both files, each whole."""
        write_text(self.folder / "gpu-check.md", self.markdown())
        values = [
            {"title": one.part.title, "seconds": one.seconds, "unfinished": one.unfinished, "warnings": one.said}
            | {"rows": json.loads(json.dumps(one.rows), parse_constant=str)}  # JSON knows no infinity
            for one in self.sections
        ]
        write_json(self.folder / "gpu-check.json", {"title": self.title, "wrong": self.wrong, "sections": values})

    def markdown(self) -> str:
        """Tables, and above them what is wrong or missing."""
        missing = [f"{one.part.title} ({one.unfinished})" for one in self.sections if one.unfinished]
        verdict = "All that was computed is right" if missing else "All is right"
        lines = [f"# {self.title}", "", f"**{'Wrong: ' + ', '.join(self.wrong) if self.wrong else verdict}.**"]
        lines += ["", f"Missing: {'; '.join(missing)}."] if missing else []
        for one in self.sections:
            lines += ["", f"## {one.part.title}", "", f"{one.part.about} ({one.seconds:.0f} s)", "", *table(one.rows)]
            lines += ["", f"**Not all of it: {one.unfinished}.**"] if one.unfinished else []
            lines += [line for text in dict.fromkeys(one.said) for line in ("", f"> {text}")]
        found = totals([row for one in self.sections for row in one.rows])
        lines += [
            "",
            "## Whole searches and trainings",
            "",
            "Times of iterations multiplied with their counts, and nothing else.",
            "",
        ]
        return "\n".join([*lines, *table(found), ""])


def table(rows: list[Row]) -> list[str]:
    """Lines of a Markdown table with all columns of all rows."""
    columns = list(dict.fromkeys(key for row in rows for key, value in row.items() if not _nested(value)))
    if not columns:
        return ["Nothing."]
    cells = [[text(row.get(column)) for column in columns] for row in rows]
    return [f"| {' | '.join(line)} |" for line in (columns, ["---"] * len(columns), *cells)]


def text(value: Any) -> str:
    """A cell: numbers to three or four digits."""
    if isinstance(value, bool):
        return "yes" if value else "**NO**"
    if value is None or _nested(value):
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "/").replace("\n", " ")


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list)
