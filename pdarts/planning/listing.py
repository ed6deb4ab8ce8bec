"""Plans and ledgers as text."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pdarts.planning.calibration import Calibration
from pdarts.planning.costs import ESTIMATED, Cost, expected
from pdarts.planning.records import record_of
from pdarts.planning.work import work_of
from pdarts.planning.workflow import Job, needed

DATA = ("download", "prepare")
"""Steps that read all images of a dataset."""

Groups = dict[tuple[str, str], list[Job]]


def columns(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under a header, the first two columns aligned left and the others right."""
    lines = [header, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
    aligned = [
        "  ".join(cell.ljust(width) if place < 2 else cell.rjust(width) for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    return "\n".join([aligned[0].rstrip(), "─" * (sum(widths) + 2 * len(widths) - 2), *map(str.rstrip, aligned[1:])])


def stamp(found: Iterable[Job]) -> list[str]:
    """What to say first of jobs of a rehearsal."""
    return (
        ["REHEARSAL at toy size: none of this is what the real thing costs.", ""]
        if any(job.rehearsal for job in found)
        else []
    )


def hours(seconds: float | None) -> str:
    """Device-hours; below a tenth with more digits."""
    if seconds is None:
        return "unknown"
    value = seconds / 3600
    return f"{value:,.1f}" if value >= 0.1 else f"{value:.4f}"


def gigabytes(size: float | None) -> str:
    """Bytes as GB."""
    if size is None:
        return "unknown"
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.2f} MB"


def grouped(found: Iterable[Job]) -> Groups:
    """Jobs that differ in nothing but their seed, by whose they are and what they do."""
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
    """All pending steps and what they cost, what each training waits for, and the total."""
    pending = [job for job in found if job.pending]
    computing = [job for job in pending if job.step in ESTIMATED]
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
    rows.sort(key=lambda row: _place(row[0], row[1]))
    text = [*stamp(found), f"Device: {device or 'none is calibrated; run make calibrate'}", ""]
    header = ("of", "step", "jobs", "device-hours", "memory a process", "disk", "figures")
    if any(costs[job].seconds is not None for job in computing):
        text += [columns(header, rows), "", *_trainings(computing, makers, costs), _total(computing, costs)]
    elif rows:
        text += [columns(header[:3], [row[:3] for row in rows]), "", f"Total: {len(computing)} jobs of unknown cost."]
    data = sum(job.step in DATA for job in pending)
    small = len(pending) - len(computing) - data
    if data:
        text.append(f"{data} more jobs download, check or index images: seconds, or hours for a folder as ImageNet's.")
    if small:
        text.append(f"{small} more jobs (genotypes, figures, tables) take seconds of a CPU each.")
    return "\n".join(text) if pending else "Nothing is pending."


def _place(owner: str, doing: str) -> tuple[bool, str, bool, str]:
    """Order of rows: searches by stage, then trainings, each before its test."""
    return not owner.startswith("search"), owner, doing == "test", doing


def _trainings(computing: Sequence[Job], makers: Mapping[Path, Job], costs: Mapping[Job, Cost]) -> list[str]:
    """Each training with the pending searches that it waits for: what a row of a table costs by itself."""
    owners: dict[str, set[Job]] = defaultdict(set)
    for job in computing:
        if job.step != "search":
            owners[job.experiment] |= {one for one in _behind(job, makers) if one in costs and one.pending}
    if not any(job.step == "search" for jobs in owners.values() for job in jobs):
        return []
    rows = [(name, "", str(len(jobs)), _spent(jobs, costs)) for name, jobs in sorted(owners.items())]
    return [columns(("training, with all it waits for", "", "jobs", "device-hours"), rows), ""]


def _behind(job: Job, makers: Mapping[Path, Job]) -> set[Job]:
    """The job and all that it needs, directly or not."""
    found, waiting = {job}, [job]
    while waiting:
        for maker in needed(waiting.pop(), makers):
            if maker not in found:
                found.add(maker)
                waiting.append(maker)
    return found


def _total(computing: Sequence[Job], costs: Mapping[Job, Cost]) -> str:
    spent, known = _spent(computing, costs), [costs[job] for job in computing]
    memory = max((cost.memory for cost in known if cost.memory is not None), default=None)
    disk = sum(cost.disk for cost in known if cost.disk is not None)
    return (
        f"Total: {len(computing)} jobs, {spent} device-hours, at most {gigabytes(memory)} of memory a process, "
        f"{gigabytes(disk)} of disk."
    )


def _spent(found: Iterable[Job], costs: Mapping[Job, Cost]) -> str:
    """The sum of what is known, and how many jobs are not."""
    seconds = [costs[job].seconds for job in found]
    known = [value for value in seconds if value is not None]
    missing = len(seconds) - len(known)
    if not known:
        return "unknown"
    return hours(sum(known)) + (f" + {missing} unknown" if missing else "")


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum; None if any is."""
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def ledger(found: Sequence[Job], makers: Mapping[Path, Job], calibrations: Sequence[Calibration]) -> str:
    """What finished steps took, beside what the calibration of their device makes expect."""
    by_device = {calibration.device: calibration for calibration in calibrations}
    done = [(job, record) for job in found if (record := record_of(job))]
    if not done:
        return "Nothing is finished yet."
    records, rows = dict(done), []
    sums = [0.0, 0.0]
    for (owner, doing), group in sorted(grouped(records).items(), key=lambda item: _place(*item[0])):
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
    else:
        compared = "; no calibration of these settings on their device is there to compare with (make calibrate)"
    return (
        "\n".join([*stamp(found), text]) + f"\n\nTotal: {len(records)} finished jobs, {spent} device-hours{compared}."
    )
