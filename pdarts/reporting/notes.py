"""Warns about a table's numbers, from the provenance of the results behind them."""

from collections import Counter
from collections.abc import Callable, Sequence

from pdarts.errors import counted
from pdarts.reporting.grid import MIXED
from pdarts.reporting.result_files import Accepted, Brought, Provenance
from pdarts.reporting.rows import MIXABLE, Records, Row, merged


def notes(rows: Sequence[Row]) -> list[str]:
    """Warn of mixed devices, versions or code, of uncommitted changes, and of results accepted or brought in."""
    records = merged(rows)
    warnings = [
        f"Mixed {what}: "
        + "; ".join(f"{name or 'unknown'} ({', '.join(steps)})" for name, steps in found.items())
        + f".{_behind(rows, what)}"
        for what, key in MIXABLE.items()
        if len(found := _used(records, key)) > 1
    ]
    results = counted(len(records), "result")
    changed = sum(record.clean is False for record, _ in records.values())
    if changed:
        were = "was" if changed == 1 else "were"
        warnings.append(f"The code had uncommitted changes when {changed} of {results} {were} made.")
    unknown = sum(record.commit is None for record, _ in records.values())
    if unknown:
        warnings.append(f"The commit of the code is unknown for {unknown} of {results}.")
    accepted = Counter(_reason(entry) for record, _ in records.values() for entry in record.accepted)
    for why, count in accepted.items():
        warnings.append(f"Accepted after a change of the code, not computed anew: {counted(count, 'result')} ({why}).")
    brought = Counter(_origin(entry) for record, _ in records.values() for entry in record.brought)
    for where, count in brought.items():
        warnings.append(f"Brought in from another machine, not computed here: {counted(count, 'result')} ({where}).")
    return warnings


def _used(records: Records, key: Callable[[Provenance], str | None]) -> dict[str | None, list[str]]:
    """Group steps by the device, version or commit, which `key` gives, of their results."""
    found: dict[str | None, dict[str, None]] = {}
    for (step, _), (record, _) in records.items():
        found.setdefault(key(record), {})[step] = None
    return {name: list(steps) for name, steps in found.items()}


def _behind(rows: Sequence[Row], what: str) -> str:
    """Name the rows whose single numbers are mixed in this respect."""
    names = dict.fromkeys(row.architecture for row in rows if what in row.mixed)
    return f" Within single numbers ({MIXED}): {', '.join(names)}." if names else ""


def _reason(accepted: Accepted) -> str:
    code = f"commit {accepted.commit[:12]}" if accepted.commit else "commit unknown"
    return f"{code}, {accepted.when}: {accepted.reason}"


def _origin(brought: Brought) -> str:
    other_code = f", made by other code: {brought.reason}" if brought.reason else ""
    return f"{brought.source}, {brought.when[:10]}{other_code}"
