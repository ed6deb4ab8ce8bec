"""The forms of a table: Markdown, CSV, and what templates set as LaTeX and HTML, all from the same cells."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

NOTHING, NOT_RUN, NO_BREAK = "–", "not run", "\N{NO-BREAK SPACE}"

QUOTED, MIXED = "†", "‡"
"""Marks of a row that is quoted, and of a number whose results were not made alike."""


REHEARSAL = "rehearsal"
"""What stands over numbers that are no results."""


@dataclass(frozen=True)
class Heading:
    """What stands over a column."""

    text: str
    numeric: bool = False
    """Set flush right."""
    group: str = ""
    """What stands over this column and its neighbours of the same group."""
    main: bool = False
    """Holds the numbers that the table is about."""

    @property
    def whole(self) -> str:
        """Group and text, where there is one line for both."""
        return f"{self.group}: {self.text}" if self.group else self.text


@dataclass(frozen=True)
class Grid:
    """A table's text."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Each group over the headings, empty where there is none, and how many columns it spans."""
        return [(group, len(list(those))) for group, those in groupby(self.headings, lambda heading: heading.group)]

    @property
    def alignment(self) -> str:
        """One of `l` and `r` for each column, as LaTeX wants it."""
        return "".join("r" if heading.numeric else "l" for heading in self.headings)

    @property
    def rules(self) -> list[tuple[int, int]]:
        """First and last column, from 1, of each group that has a name."""
        rules, first = [], 1
        for group, width in self.groups:
            if group:
                rules.append((first, first + width - 1))
            first += width
        return rules

    def rehearsed(self) -> "Grid":
        """The same, with what was measured under a heading that says it is a rehearsal's."""

        def stamped(heading: Heading) -> Heading:
            text = as_rehearsal(heading.text)
            return replace(heading, text=f"{REHEARSAL}: {text}" if heading.main and REHEARSAL not in text else text)

        return replace(self, headings=tuple(map(stamped, self.headings)))

    def parts(self, width: int) -> list["Grid"]:
        """The table cut between groups into tables of at most so many columns, unless a group has more; each has the
        first column."""
        places: list[list[int]] = [[]]
        first = 0
        for _, size in self.groups:
            group = [place for place in range(first, first + size) if place]
            if places[-1] and 1 + len(places[-1]) + len(group) > width:
                places.append([])
            places[-1] += group
            first += size
        return [self._only([0, *part]) for part in places]

    def without_empty_columns(self) -> "Grid":
        """Only the columns that tell something of a row."""
        kept = [place for place in range(len(self.headings)) if any(row[place] != NOTHING for row in self.rows)]
        return self._only(kept)

    def _only(self, places: Sequence[int]) -> "Grid":
        headings = tuple(self.headings[place] for place in places)
        return Grid(headings, tuple(tuple(row[place] for place in places) for row in self.rows))


def as_rehearsal(text: str) -> str:
    """Headings, and what explains them, of what is no result."""
    return re.sub(r"\bhere\b", REHEARSAL, re.sub(r"^searches\b|(?<=; )searches(?=:)", f"{REHEARSAL} of searches", text))


def markdown(grid: Grid) -> str:
    """A table whose columns line up in plain text too."""
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
    """CSV (RFC 4180): raw values in full precision, several of them joined by semicolons, empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(records[0])
    for record in records:
        values = record.values()
        writer.writerow([";".join(map(str, value)) if isinstance(value, tuple) else value for value in values])
    return text.getvalue()


def duration(seconds: float) -> str:
    """Seconds below ten minutes, minutes below two hours, then hours."""
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def days(number: float) -> str:
    """Two digits below ten, one behind the point above."""
    return f"{number:.2g}" if number < 9.95 else f"{number:,.1f}"


def counted(number: int, noun: str) -> str:
    """The number and its noun, in the plural unless there is one."""
    plural = noun + ("es" if noun.endswith("ch") else "s")
    return f"{number} {noun if number == 1 else plural}"


def span(values: Sequence[int]) -> str:
    """The lowest and the highest of exact numbers, one where they are equal, nothing where there is none."""
    if not values:
        return NOTHING
    lowest, highest = min(values), max(values)
    return f"{lowest:,}" if lowest == highest else f"{lowest:,}–{highest:,}"


def escape_markdown(text: str) -> str:
    return re.sub(r"([\\`*<>\[\]|])", r"\\\1", " ".join(text.split()))
