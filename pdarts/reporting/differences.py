"""Compares the results of rows with those of one row, the baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import atan, exp, lgamma, pi, sqrt
from statistics import fmean, variance

import numpy as np

from pdarts.errors import counted
from pdarts.reporting.columns import Entry, Line, TableColumn
from pdarts.reporting.grid import MIXED, NO_BREAK, NOTHING, Heading, marked, signed, span
from pdarts.reporting.rows import Row, differing
from pdarts.reporting.statements import Statement, grouped

CONFIDENCE = 0.95

NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)
"""Points and weights of Gauss and Legendre's quadrature from -1 to 1."""


@dataclass(frozen=True)
class Contrast:
    """The results of a row beside those of the baseline, in percent."""

    row: Row
    values: Sequence[float]
    baseline: Row | None
    """None where the baseline has no results."""
    baseline_values: Sequence[float]

    @property
    def difference(self) -> float | None:
        """Mean of the row minus mean of the baseline; None for the baseline, and where either has one result."""
        if self.row is self.baseline or min(len(self.values), len(self.baseline_values)) < 2:
            return None
        return fmean(self.values) - fmean(self.baseline_values)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Welch's confidence interval of the difference; None where no result differs from others of its row."""
        half = None if self.difference is None else welch(self.values, self.baseline_values)
        return None if half is None or self.difference is None else (self.difference - half, self.difference + half)

    @property
    def mixed(self) -> bool:
        """Whether the results of the row and of the baseline were not made alike."""
        theirs = self.baseline.provenances if self.baseline else []
        return self.difference is not None and bool(differing([*self.row.provenances, *theirs]))

    @property
    def text(self) -> str:
        """The difference with its interval."""
        if self.row is self.baseline:
            return "baseline"
        if self.difference is None:
            return NOTHING
        within = (
            ["no", "spread"] if self.interval is None else [signed(self.interval[0]), "to", signed(self.interval[1])]
        )
        return marked(f"{signed(self.difference)} ({NO_BREAK.join(within)})", self.mixed)


def welch(values: Sequence[float], others: Sequence[float]) -> float | None:
    """Compute half the width of the confidence interval of a difference of means; None if nothing varies.

    Args:
        values: at least two results.
        others: at least two results, independent of the first, whose variance may be another one.

    Source: Welch 1947, The generalization of "Student's" problem when several different population variances are
    involved, Biometrika 34.
    """
    parts = [(variance(sample) / len(sample), len(sample) - 1) for sample in (values, others)]
    total = sum(part for part, _ in parts)
    if not total:
        return None
    freedom = total**2 / sum(part**2 / degrees for part, degrees in parts)
    return t_bound(freedom) * sqrt(total)


def t_bound(freedom: float) -> float:
    """Find the bound that a number of Student's distribution keeps to, either side of 0, with `CONFIDENCE`.

    For t = sqrt(freedom) * tan(angle), the density of the angle is proportional to cos(angle) ** (freedom - 1), whose
    integral up to a right angle is known.

    Args:
        freedom: degrees of freedom, from 1.
    """
    whole = sqrt(pi) / 2 * exp(lgamma(freedom / 2) - lgamma((freedom + 1) / 2))
    low, high = 0.0, 20.0  # with one degree of freedom it is 12.7
    for _ in range(60):
        middle = (low + high) / 2
        half = atan(middle / sqrt(freedom)) / 2
        inside = half * float(WEIGHTS @ np.cos(half * (NODES + 1)) ** (freedom - 1)) / whole
        low, high = (middle, high) if inside < CONFIDENCE else (low, middle)
    return low


def columns(
    name: str,
    group: str,
    of_line: Callable[[Line], Contrast | None],
    of_entry: Callable[[Entry], Contrast | None],
) -> list[TableColumn[Line, Entry]]:
    """Make columns with the difference to the baseline, what results come from, and skip connections.

    Args:
        name: of the baseline.
        group: heading above, or empty.
        of_line: finds the results that a line compares.
        of_entry: finds those that an entry of the CSV file compares.
    """

    def shown(cell: Callable[[Contrast], str]) -> Callable[[Line], str]:
        return lambda line: NOTHING if (contrast := of_line(line)) is None else cell(contrast)

    def heading(text: str) -> Heading:
        return Heading(text if group else text[0].upper() + text[1:], True, group)

    difference = heading(f"difference to {name} (95{NO_BREAK}% interval)")
    return [
        TableColumn(difference, shown(lambda contrast: contrast.text), lambda entry: _values(name, of_entry(entry))),
        TableColumn(heading("results from"), shown(lambda contrast: _origin(contrast.row))),
        TableColumn(heading("skip connections"), shown(lambda contrast: span(contrast.row.skips))),
    ]


def _origin(row: Row) -> str:
    """Write how many results there are, and whether they come from as many searches or draws or from one cell."""
    if not row.independent:
        origin = f"{counted(len(row.tests), 'seed')} of 1 cell"
    else:
        origin = counted(len(row.tests), "search" if row.spent.searches else "draw")
    return origin.replace(" ", NO_BREAK)


def _values(name: str, contrast: Contrast | None) -> dict[str, object]:
    low, high = (contrast and contrast.interval) or (None, None)
    return {
        "baseline": name,
        "baseline_difference": contrast and contrast.difference,
        "baseline_difference_low": low,
        "baseline_difference_high": high,
        "independent": contrast and contrast.row.independent,
        "normal_cell_skips": tuple(contrast.row.skips) if contrast else (),
    }


def statements(name: str, contrasts: Sequence[Contrast]) -> list[Statement]:
    """Say how differences are computed, and what the spread of each row's results stands for."""
    computed = (
        f"mean of a row minus mean of {name}, in percentage points; in brackets the 95 % confidence interval by "
        "Welch's t, which allows for unequal variances and is not corrected for several comparisons; none where either "
        "row has fewer than two results"
    )
    found = [("Difference", computed)]
    if any(contrast.mixed for contrast in contrasts):
        found.append(
            ("Difference", f"{MIXED} marks one of results that were not made alike; the warnings say what differs")
        )
    if sharing := [contrast.row.architecture for contrast in contrasts if _shares_searches(contrast)]:
        found.append(
            (
                "Difference",
                f"{', '.join(dict.fromkeys(sharing))}: cells come from the same searches as those of {name}, while the "
                "interval takes both as independent",
            )
        )
    rows = [contrast.row for contrast in contrasts if len(contrast.values) > 1]
    return [*found, *grouped("Spread", rows, _spread)]


def _shares_searches(contrast: Contrast) -> bool:
    """Whether a row's cells come from searches that the baseline's come from, too."""
    if contrast.baseline is None or contrast.row is contrast.baseline:
        return False
    ours, theirs = (
        {path for step, path in row.records if step == "search"} for row in (contrast.row, contrast.baseline)
    )
    return not ours.isdisjoint(theirs)


def _spread(row: Row) -> str:
    if row.independent:
        return "of independent searches or draws, each retrained once"
    return "of trainings of one cell that differ in their seed: noise of training alone, nothing of other searches"
