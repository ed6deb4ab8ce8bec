"""Writes the cells of a table as Markdown and CSV, and divides them for the templates of LaTeX and HTML."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

NOTHING, NOT_RUN, NO_BREAK = "–", "not run", "\N{NO-BREAK SPACE}"

MINUS = "\N{MINUS SIGN}"

QUOTED, MIXED = "†", "‡"
"""Marks of a row that is quoted, and of a number whose results were not made alike."""

REHEARSAL = "rehearsal"
"""Heading of numbers that are not results."""


@dataclass(frozen=True)
class Heading:
    """The heading of a column."""

    text: str
    numeric: bool = False
    """Whether the column is aligned to the right."""
    group: str = ""
    """Heading above this one, common to neighbouring columns of the same group."""
    main: bool = False
    """Whether the column holds the numbers that the table is about."""

    @property
    def whole(self) -> str:
        """Group and text in one line."""
        return f"{self.group}: {self.text}" if self.group else self.text


@dataclass(frozen=True)
class Grid:
    """The text of a table: its headings, and the cells of its rows."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Groups over the headings, empty where there is none, each with the number of columns below it."""
        return [(group, len(list(those))) for group, those in groupby(self.headings, lambda heading: heading.group)]

    @property
    def alignment(self) -> str:
        """Alignment of the columns in LaTeX: `l` or `r` for each."""
        return "".join("r" if heading.numeric else "l" for heading in self.headings)

    @property
    def rules(self) -> list[tuple[int, int]]:
        """First and last column, counted from 1, of each group that has a name."""
        rules, first = [], 1
        for group, width in self.groups:
            if group:
                rules.append((first, first + width - 1))
            first += width
        return rules

    def rehearsed(self) -> "Grid":
        """Name the rehearsal in the headings of measured numbers."""

        def stamped(heading: Heading) -> Heading:
            text = as_rehearsal(heading.text)
            return replace(heading, text=f"{REHEARSAL}: {text}" if heading.main and REHEARSAL not in text else text)

        return replace(self, headings=tuple(map(stamped, self.headings)))

    def parts(self, width: int) -> list["Grid"]:
        """Cut the table between groups into tables of at most `width` columns, unless a single group has more.

        Each of them repeats the first column.
        """
        parts: list[list[int]] = [[]]
        first = 0
        for _, size in self.groups:
            group = [index for index in range(first, first + size) if index]
            if parts[-1] and 1 + len(parts[-1]) + len(group) > width:
                parts.append([])
            parts[-1] += group
            first += size
        return [self._only([0, *part]) for part in parts]

    def without_empty_columns(self) -> "Grid":
        """Remove columns that are empty in every row."""
        kept = [index for index in range(len(self.headings)) if any(row[index] != NOTHING for row in self.rows)]
        return self._only(kept)

    def _only(self, indices: Sequence[int]) -> "Grid":
        headings = tuple(self.headings[index] for index in indices)
        return Grid(headings, tuple(tuple(row[index] for index in indices) for row in self.rows))


def as_rehearsal(text: str) -> str:
    """Reword a heading, or the text that explains it, for numbers of a rehearsal."""
    return re.sub(r"\bhere\b", REHEARSAL, re.sub(r"^searches\b|(?<=; )searches(?=:)", f"{REHEARSAL} of searches", text))


def markdown(grid: Grid) -> str:
    """Write a table in Markdown, with columns that are aligned in plain text too."""
    headings = tuple(heading.whole for heading in grid.headings)
    rows = [[escape_markdown(cell) for cell in row] for row in (headings, *grid.rows)]
    widths = [max(2, *(len(row[column]) for row in rows)) for column in range(len(headings))]
    align: list[Callable[[str, int], str]] = [str.rjust if heading.numeric else str.ljust for heading in grid.headings]
    rules = [
        "-" * (width - 1) + ":" if heading.numeric else "-" * width
        for heading, width in zip(grid.headings, widths, strict=True)
    ]
    aligned = [[align[column](row[column], widths[column]) for column in range(len(widths))] for row in rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in (aligned[0], rules, *aligned[1:]))


def comma_separated(records: Sequence[Mapping[str, object]]) -> str:
    """Write raw values as CSV (RFC 4180) in full precision; tuples are joined by semicolons, and None is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(records[0])
    for record in records:
        values = record.values()
        writer.writerow([";".join(map(str, value)) if isinstance(value, tuple) else value for value in values])
    return text.getvalue()


def marked(number: str, mixed: bool) -> str:
    """Mark a number if the results behind it were not made alike."""
    return f"{number}{NO_BREAK}{MIXED}" if mixed else number


def signed(number: float) -> str:
    """Write two decimals, with a sign unless both are zero."""
    text = f"{abs(number):.2f}"
    return text if text == "0.00" else ("+" if number > 0 else MINUS) + text


def duration(seconds: float) -> str:
    """Write seconds as such below ten minutes, as minutes below two hours, else as hours."""
    if seconds < 600:
        return f"{seconds:.0f}{NO_BREAK}s"
    return f"{seconds / 60:.0f}{NO_BREAK}min" if seconds < 7200 else f"{seconds / 3600:.1f}{NO_BREAK}h"


def days(number: float) -> str:
    """Write days with two significant digits below ten, else with one decimal."""
    return f"{number:.2g}" if number < 9.95 else f"{number:,.1f}"


def span(values: Sequence[int]) -> str:
    """Write the lowest and the highest of exact numbers, or the one number if they are equal."""
    if not values:
        return NOTHING
    lowest, highest = min(values), max(values)
    return f"{lowest:,}" if lowest == highest else f"{lowest:,}–{highest:,}"


def escape_markdown(text: str) -> str:
    """Write text in one line, with the characters escaped that Markdown, as GitHub reads it, would interpret."""
    escaped = re.sub(r"([\\`*<>\[\]|~$]|&(?=#?\w+;))", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\_", escaped)
