"""Whole searches and trainings as counts of iterations times what each was measured to take."""

from collections.abc import Iterable
from typing import Any

from benchmarks.gpu.check import Row


def totals(rows: Iterable[Row]) -> list[Row]:
    """Sum up, over the lines that know how often their iteration happens in a whole search or training."""
    wholes: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if "whole" in row:
            wholes.setdefault((row["whole"]["name"], row["precision"]), []).append(row)
    return [_total(name, precision, members) for (name, precision), members in wholes.items()]


def _total(name: str, precision: str, rows: list[Row]) -> Row:
    ways = [way for way in rows[0]["seconds"] if all(way in row["seconds"] for row in rows)]
    sums = {f"{way} (min)": sum(row["whole"]["count"] * row["seconds"][way] for row in rows) / 60 for way in ways}
    counted: dict[Any, list[str]] = {}
    for row in rows:
        kind, _, which = row["work"].partition(", ")
        counted.setdefault((row["whole"]["count"], kind), []).append(which)
    counts = [f"{count:,} × {kind} ({', '.join(which)})" for (count, kind), which in counted.items()]
    return {"whole": name, "precision": precision, **sums, "counts": "; ".join(counts)}
