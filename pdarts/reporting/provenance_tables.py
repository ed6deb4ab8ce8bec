"""Tabulates the cost of results and how they were made, with one line for all that are alike."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean

from pdarts.reporting.grid import NOTHING, Grid, Heading, duration
from pdarts.reporting.plain_table import DAY
from pdarts.reporting.result_files import Provenance
from pdarts.reporting.rows import Records, Row

COSTS = (
    Heading("Step"),
    Heading("Device"),
    Heading("Results", numeric=True),
    Heading("Mean", numeric=True),
    Heading("Together", numeric=True),
    Heading("GPU-days", numeric=True),
)

STEPS = ("search", "train", "test")

END_TO_END = (
    Heading("Architecture"),
    Heading("On"),
    Heading("Searches", numeric=True),
    Heading("A search", numeric=True),
    Heading("A validation", numeric=True),
    Heading("A retraining", numeric=True),
    Heading("End to end", numeric=True),
)

ORIGINS = (Heading("Results"), Heading("Code"), Heading("Versions"), Heading("Device"), Heading("Started (UTC)"))


@dataclass(frozen=True)
class _Entry:
    step: str
    record: Provenance
    seconds: float


def costs(records: Records) -> Grid:
    """Tabulate the time of each step on each device; GPU-days count every GPU, and no time without one."""
    rows = []
    groups = _grouped(records, lambda entry: (entry.step, entry.record.hardware))
    for (step, device), entries in sorted(groups.items(), key=lambda group: STEPS.index(group[0][0])):
        seconds = [entry.seconds for entry in entries]
        days = sum(entry.seconds * entry.record.devices for entry in entries if entry.record.on_gpu) / DAY
        together = sum(seconds)
        rows.append(
            (step, device, str(len(entries)), duration(together / len(entries)), duration(together), _days(days))
        )
    together = sum(seconds for _, seconds in records.values())
    days = sum(seconds * record.devices for record, seconds in records.values() if record.on_gpu) / DAY
    rows.append(("all", "", str(len(records)), "", duration(together), _days(days)))
    return Grid(COSTS, tuple(rows))


def end_to_end(rows: Iterable[Row]) -> Grid:
    """Tabulate time times devices for one tested network, search included, of each row and column.

    Where these have several sets of runs, the first counts. Columns that show the same runs have one line together.
    """
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.spent.trainings:
            first.setdefault((row.architecture, row.place), row)
    columns: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (architecture, column), row in first.items():
        columns.setdefault((architecture, row.declared), []).append(column)
    lines = []
    for (architecture, _), names in columns.items():
        spent = first[architecture, names[0]].spent
        cost = _mean(spent.searches), _mean(spent.validations), _mean(spent.trainings), duration(spent.end_to_end)
        lines.append((architecture, ", ".join(names), str(spent.needed), *cost))
    return Grid(END_TO_END, tuple(lines))


def _mean(seconds: list[float]) -> str:
    return duration(fmean(seconds)) if seconds else NOTHING


def _days(days: float) -> str:
    return f"{days:.2f}" if days else NOTHING


def origins(records: Records) -> Grid:
    """Tabulate results by code, versions and device, with one line for all that are alike."""
    rows = []
    groups = _grouped(records, lambda entry: (_code(entry.record), _versions(entry.record), entry.record.hardware))
    for (code, versions, device), entries in groups.items():
        steps = [entry.step for entry in entries]
        counted = ", ".join(f"{steps.count(step)} × {step}" for step in dict.fromkeys(steps))
        started = sorted(entry.record.started for entry in entries)
        times = " to ".join(dict.fromkeys(time[:16].replace("T", " ") for time in (started[0], started[-1])))
        rows.append((counted, code, versions, device, times))
    return Grid(ORIGINS, tuple(rows))


def _grouped(records: Records, key: Callable[[_Entry], tuple[str, ...]]) -> dict[tuple[str, ...], list[_Entry]]:
    groups: dict[tuple[str, ...], list[_Entry]] = {}
    for (step, _), (record, seconds) in records.items():
        entry = _Entry(step, record, seconds)
        groups.setdefault(key(entry), []).append(entry)
    return groups


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
