"""Explains the columns, marks and printed numbers of a table of the paper."""

from collections.abc import Sequence

from pdarts.reporting.comparison import Comparison, search_devices
from pdarts.reporting.grid import MIXED, NOT_RUN, QUOTED
from pdarts.reporting.paper import UNVERIFIED, PaperFigures
from pdarts.reporting.statements import Statement


def legend(comparisons: Sequence[Comparison], figures: PaperFigures | None) -> list[Statement]:
    """Explain the columns and marks of a table of the paper, and say where its figures come from."""
    results = [result for comparison in comparisons for result in comparison.results]
    devices = search_devices(comparisons)
    meanings = [
        "here: one genotype retrained with n seeds" if any(result.retrained for result in results) else "",
        "searches: the genotypes of n searches, or n random cells, each retrained once"
        if any(result.searched for result in results)
        else "",
        "others: measured by independent people, from lowest to highest" if any(r.others for r in results) else "",
        f"{NOT_RUN}: declared, but without results so far"
        if any(len(row.tests) < row.expected for comparison in comparisons for row in comparison.rows)
        else "",
        f"search cost: of searches on {devices[0]}" if len(devices) == 1 else "",
        "sizes: one for each column where they differ",
    ]
    statements = [("Columns", "; ".join(filter(None, meanings)))]
    if figures:
        verified = f"; {UNVERIFIED}" if figures.unverified else ""
        statements.append(
            ("Paper", f"{figures.source}{verified}; in brackets the difference, here minus paper, in percentage points")
        )
        statements += [
            ("Paper", f"search cost of {row.architecture}: {row.note}") for row in figures.rows if row.note is not None
        ]
        quoted = dict.fromkeys(each.printed for each in comparisons if each.printed)
        statements += [("Paper", f"{row.architecture}: {row.told}") for row in quoted if row.told]
        statements += [("Paper", text) for text in _recipes(comparisons)]
    if figures and figures.released:
        released = figures.released
        top5 = "" if released.top5 is None else f", {released.top5:g} % top-5"
        accuracy = f"{released.top1:g} % top-1{top5}"
        statements.append(
            (
                "Released",
                f"weights that the authors offer, genotype {released.genotype}: accuracy {accuracy}, with which their "
                "row is compared",
            )
        )
    if any(comparison.quoted for comparison in comparisons):
        statements.append((QUOTED, "all figures quoted from the paper, nothing of this row is run here"))
    if any(row.mixed for comparison in comparisons for row in comparison.rows):
        statements.append((MIXED, "the results behind this number were not made alike; the notes say what differs"))
    if figures and figures.multiply_adds and any(each.printed and each.printed.madds for each in comparisons):
        statements.append(("Multiply-adds", figures.multiply_adds))
    for row in (row for comparison in comparisons for row in comparison.rows if row.released and not row.tests):
        assert row.released is not None
        missing = f"{row.architecture}: put the file {row.released.file} there ({row.released.origin})"
        statements.append((NOT_RUN.capitalize(), missing))
    others: dict[str, list[str]] = {}
    for comparison in comparisons:
        for result in comparison.results:
            for entry in result.others:
                measured = f"{result.column.heading}, {entry.what}: {entry.text}; {entry.who}"
                others.setdefault(measured, []).append(comparison.architecture)
    return statements + [("Others", f"{', '.join(names)}: {measured}") for measured, names in others.items()]


def _recipes(comparisons: Sequence[Comparison]) -> list[str]:
    """Name architectures that the table retrains although their authors have another recipe, with that recipe."""
    found: dict[str, dict[str, None]] = {}
    for comparison in comparisons:
        if comparison.printed and comparison.printed.recipe and any(row.tests for row in comparison.rows):
            found.setdefault(comparison.printed.recipe, {})[comparison.printed.architecture] = None
    return [
        f"{', '.join(names)}: retrained by the authors of the method with {recipe}, in this table as stands under "
        "Training"
        for recipe, names in found.items()
    ]
