"""Plans and ledgers as text."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pdarts.errors import counted
from pdarts.tools.cost.calibration import Calibration
from pdarts.tools.cost.estimates import Cost, expected
from pdarts.tools.cost.records import ESTIMATED, record_of
from pdarts.tools.cost.table_rows import waited_for
from pdarts.tools.cost.work import work_of
from pdarts.tools.workflow import Job

READING = ("download", "prepare")
"""Steps that wait for network and disks."""
NOTHING_KNOWN = (
    "of unknown cost: nothing like them is calibrated here, or has results. Run make calibrate with the same\n"
    "TARGET, on the device that will do the work; it takes some minutes."
)
Groups = dict[tuple[str, str], list[Job]]


def columns(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out rows under a header, the first two columns aligned left and the others right."""
    lines = [header, *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(header))]
    aligned = [
        "  ".join(cell.ljust(width) if index < 2 else cell.rjust(width) for index, (cell, width) in enumerate(cells))
        for cells in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    return "\n".join([aligned[0].rstrip(), "─" * (sum(widths) + 2 * len(widths) - 2), *map(str.rstrip, aligned[1:])])


def banner(found: Iterable[Job]) -> list[str]:
    """Return the first lines of a listing with jobs of a rehearsal."""
    return (
        ["REHEARSAL at toy size: none of this is what the real thing costs.", ""]
        if any(job.rehearsal for job in found)
        else []
    )


def hours(seconds: float | None) -> str:
    """Write seconds as device-hours; below a tenth with more digits."""
    if seconds is None:
        return "unknown"
    value = seconds / 3600
    return f"{value:,.1f}" if value >= 0.1 else f"{value:.4f}"


def gigabytes(size: float | None) -> str:
    """Write bytes as GB, or as MB if they are few."""
    if size is None:
        return "unknown"
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.2f} MB"


def grouped(found: Iterable[Job]) -> Groups:
    """Group jobs that differ only in their seed, by the search or training that they belong to, and by step."""
    groups: Groups = defaultdict(list)
    for job in found:
        owner = (
            "search"
            if job.step == "search"
            else "checkpoint"
            if job.option("genotype") and job.step == "test"
            else "train"
        )
        doing = f"stage {job.option('stage')}" if job.step == "search" else job.step
        groups[f"{owner} {job.experiment or job.outputs[0]}", doing].append(job)
    return groups


def plan(found: Sequence[Job], makers: Mapping[Path, Job], costs: Mapping[Job, Cost], device: str | None) -> str:
    """List all pending steps with their costs, the cost of each row or training, and the sum."""
    pending = [job for job in found if job.pending]
    if not pending:
        return "\n".join([*banner(found), "Nothing is pending."])
    computing = [job for job in pending if job.step in ESTIMATED]
    text = [*banner(found), f"Device: {device or 'none is calibrated'}", ""]
    if computing and all(costs[job].seconds is None for job in computing):
        text += [_steps(computing), "", f"Total: {counted(len(computing), 'job')} {NOTHING_KNOWN}"]
    elif computing:
        text += [_table(computing, costs), "", *_rows(found, makers, costs), _total(computing, costs)]
    reading = sorted(f"{job.step} {job.outputs[0].stem}" for job in pending if job.step in READING)
    if reading:
        text.append(f"Not estimated: {', '.join(reading)}; seconds for small images, hours for ImageNet.")
    if small := len(pending) - len(computing) - len(reading):
        text.append(f"{counted(small, 'more job')} (genotypes, figures, tables): seconds of a CPU each.")
    return "\n".join(text).rstrip()


def _steps(computing: Sequence[Job]) -> str:
    """List what is pending, a line for each search and training, without figures."""
    steps: dict[str, list[str]] = defaultdict(list)
    jobs: dict[str, int] = defaultdict(int)
    for (owner, doing), group in sorted(grouped(computing).items(), key=lambda item: _order(*item[0])):
        steps[owner].append(doing)
        jobs[owner] += len(group)
    return columns(("of", "steps", "jobs"), [(owner, ", ".join(steps[owner]), str(jobs[owner])) for owner in steps])


def _table(computing: Sequence[Job], costs: Mapping[Job, Cost]) -> str:
    """List the pending steps with the cost of each."""
    rows = []
    for (owner, doing), group in grouped(computing).items():
        each = [costs[job] for job in group]
        memory = [cost.memory for cost in each]
        rows.append(
            (
                owner,
                doing,
                str(len(group)),
                hours(_sum(cost.seconds for cost in each)),
                gigabytes(None if None in memory else max(value for value in memory if value is not None)),
                gigabytes(_sum(cost.disk for cost in each)),
                ", ".join(sorted({cost.source for cost in each})),
            )
        )
    rows.sort(key=lambda row: _order(row[0], row[1]))
    header = ("of", "step", "jobs", "device-hours", "memory a process", "disk", "figures")
    return columns(header, rows)


def _order(owner: str, doing: str) -> tuple[bool, str, bool, str]:
    """Give the order of rows: searches by stage, then trainings, each before its test."""
    return not owner.startswith("search"), owner, doing == "test", doing


def _rows(found: Sequence[Job], makers: Mapping[Path, Job], costs: Mapping[Job, Cost]) -> list[str]:
    """List the cost of each row of the tables by itself, or of each training where there is no table."""
    rows = [
        (name, table, str(len(pending)), _spent(pending, costs))
        for (name, table), behind in sorted(waited_for(found, makers).items(), key=lambda item: item[0][::-1])
        if (pending := {job for job in behind if job in costs and job.pending})
    ]
    tables = any(row[1] for row in rows)
    header = ("row, with all it waits for", "table") if tables else ("training, with all it waits for", "")
    return [columns((*header, "jobs", "device-hours"), rows), ""] if rows else []


def _total(computing: Sequence[Job], costs: Mapping[Job, Cost]) -> str:
    spent, known = _spent(computing, costs), [costs[job] for job in computing]
    memory = max((cost.memory for cost in known if cost.memory is not None), default=None)
    disk = sum(cost.disk for cost in known if cost.disk is not None)
    return (
        f"Total: {counted(len(computing), 'job')}, {spent} device-hours, at most {gigabytes(memory)} of memory a "
        f"process, {gigabytes(disk)} of disk."
    )


def _spent(found: Iterable[Job], costs: Mapping[Job, Cost]) -> str:
    """Write the sum of known costs, and the number of jobs whose cost is unknown."""
    seconds = [costs[job].seconds for job in found]
    known = [value for value in seconds if value is not None]
    missing = len(seconds) - len(known)
    if not known:
        return "unknown"
    return hours(sum(known)) + (f" + {missing} unknown" if missing else "")


def _sum(values: Iterable[float | None]) -> float | None:
    """Sum values; None if any is None."""
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def ledger(found: Sequence[Job], makers: Mapping[Path, Job], calibrations: Sequence[Calibration]) -> str:
    """List the costs of finished steps beside those that the calibration of their device predicts."""
    by_device = {calibration.device: calibration for calibration in calibrations}
    done = [(job, record) for job in found if (record := record_of(job))]
    if not done:
        return "Nothing is finished yet."
    records, rows = dict(done), []
    sums = [0.0, 0.0]
    for (owner, doing), group in sorted(grouped(records).items(), key=lambda item: _order(*item[0])):
        planned, actual, memory = [], 0.0, []
        for job in group:
            record = records[job]
            actual += record.seconds
            memory.append(record.memory)
            work, calibration = work_of(job, makers), by_device.get(record.device)
            cost = expected(work, job.step, calibration) if work and calibration else None
            planned.append(cost.seconds if cost else None)
        total = _sum(planned)
        if total:
            sums = [sums[0] + total, sums[1] + actual]
        rows.append(
            (
                owner,
                doing,
                str(len(group)),
                hours(total),
                hours(actual),
                f"{actual / total:.2f}" if total else "",
                gigabytes(max((value for value in memory if value is not None), default=None)),
                "; ".join(sorted({records[job].device for job in group})),
            )
        )
    header = ("of", "step", "jobs", "planned hours", "actual hours", "actual/planned", "memory a process", "device")
    text = columns(header, rows)
    spent = hours(sum(record.seconds for record in records.values()))
    if sums[0]:
        compared = f"; where a calibration is there {hours(sums[1])}, against {hours(sums[0])} planned"
    elif by_device.keys() & {record.device for record in records.values()}:
        compared = "; the calibration of this device has other settings (make calibrate, with this TARGET)"
    else:
        compared = "; no calibration of this device is there to compare with (make calibrate)"
    return (
        "\n".join([*banner(found), text])
        + f"\n\nTotal: {counted(len(records), 'finished job')}, {spent} device-hours{compared}."
    )
