"""Words statements under a table, and names the rows that each of them is true of."""

from collections.abc import Callable, Iterable, Sequence

from pdarts.errors import counted
from pdarts.reporting.rows import Row

Statement = tuple[str, str]
"""Label and text."""

Naming = Callable[[Sequence[Row], Sequence[Row]], Iterable[str]]
"""Names some of the rows of a table, given these and all of them."""


def grouped(
    label: str,
    rows: Sequence[Row],
    describe: Callable[[Row], str],
    name: Naming | None = None,
    among: Sequence[Row] | None = None,
) -> list[Statement]:
    """Make one statement for all rows with the same description, and name them if it does not hold for all.

    Args:
        label: label of the statements.
        rows: the rows to describe.
        describe: describes a row.
        name: names rows; their architectures if None.
        among: the rows that a reader may take it to hold for; `rows` if None.
    """
    all_rows = rows if among is None else among
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(describe(row), []).append(row)
    if len(groups) == 1 and len(rows) == len(all_rows):
        return [(label, text) for text in groups]
    return [(label, f"{', '.join((name or _names)(alike, all_rows))}: {text}") for text, alike in groups.items()]


def _names(named: Sequence[Row], rows: Sequence[Row]) -> Iterable[str]:
    """Name architectures, with their places if the same architecture has others in `rows`."""
    architectures: dict[str, list[str]] = {}
    for architecture in dict.fromkeys(row.architecture for row in named):
        places = dict.fromkeys(row.place for row in named if row.architecture == architecture)
        elsewhere = {row.place for row in rows if row.architecture == architecture} - set(places)
        architectures.setdefault(", ".join(places) if elsewhere else "", []).append(architecture)
    for place, names in architectures.items():
        yield ", ".join(names) + (f" ({'each ' * (len(names) > 1)}{place})" if place else "")


def headings(named: Sequence[Row], rows: Sequence[Row]) -> Iterable[str]:
    """Name columns, or architectures if a column has others of `rows` too."""
    columns = dict.fromkeys(row.column for row in named)
    shared = len(named) < sum(row.column in columns for row in rows)
    return _names(named, rows) if shared else columns


def amounts(numbers: Iterable[int], noun: str) -> str:
    """List numbers of one noun, which stands after the last."""
    *first, last = numbers
    return listed([*(f"{number:,}" for number in first), counted(last, noun)])


def listed(values: Iterable[object]) -> str:
    """List values, with `and` before the last of several."""
    texts = [str(value) for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
