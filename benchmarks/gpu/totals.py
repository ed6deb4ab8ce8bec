"""Whole searches and trainings as counts of iterations times what each was measured to take."""

from collections.abc import Iterable

from benchmarks.gpu.check import Row


def totals(rows: Iterable[Row]) -> list[Row]:
    """Sum up, over the lines that count how often their iteration happens in a whole search or training."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if "count" in row:
            groups.setdefault((row["of"], row["precision"]), []).append(row)
    found = []
    for (name, precision), members in groups.items():
        ways = [way for way in members[0]["seconds"] if all(way in row["seconds"] for row in members)]
        sums = {f"{way} (h)": sum(row["count"] * row["seconds"][way] for row in members) / 3600 for way in ways}
        counts = ", ".join(f"{row['count']:,} × {row['work']}" for row in members)
        found.append({"of": name, "precision": precision, **sums, "counts": counts})
    return found
