"""Expected costs of jobs, from finished jobs of the same work or from timed iterations; unknown without either."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pdarts.checking import suggestion
from pdarts.errors import InputError
from pdarts.space.topology import EDGES, KINDS
from pdarts.tools.cost.calibration import Calibration, all_there
from pdarts.tools.cost.records import ESTIMATED, Record, record_of, same_work
from pdarts.tools.cost.work import Work, work_of
from pdarts.tools.workflow import Job

BYTES_PER_WEIGHT = 24
"""Length of an architecture weight in an epoch's line of metrics."""


@dataclass(frozen=True)
class Cost:
    """Cost of one job; None where nothing is known."""

    seconds: float | None
    """Seconds of all its devices together."""
    memory: int | None
    """Peak of a process in bytes."""
    disk: int | None
    """Bytes of its files."""
    source: str
    """`recorded`, `calibrated` or `unknown`."""


UNKNOWN = Cost(None, None, None, "unknown")


def expected(work: Work, step: str, calibration: Calibration) -> Cost:
    """Estimate a cost from timed iterations; each process has a device, or a share of one, and a test has one too."""
    counts = work.test_counts() if step == "test" else work.counts()
    seconds = calibration.seconds(work, counts)
    if seconds is not None:
        seconds *= (1 if step == "test" else work.processes) / calibration.steps
    memory = calibration.memory(work, [kind for kind, count in counts.items() if count])
    if memory is not None:
        memory += work.images_bytes(step)
    disk = _disk(work, step, calibration.weights_bytes(work))
    return Cost(seconds, memory, disk, "unknown" if seconds is None else "calibrated")


def _disk(work: Work, step: str, weights: int | None) -> int | None:
    """Estimate the bytes of a job's files; a line of metrics has about 200 bytes besides architecture weights."""
    if step == "test":
        return 4_000
    lines = work.settings["epochs"] * 200
    if step == "train":
        return None if weights is None else weights + lines
    values = len(KINDS) * len(EDGES) * int(work.settings["operations"]) * BYTES_PER_WEIGHT
    return lines + values * int(work.settings["epochs"]) + 2 * values


def device_of(found: Iterable[Job], calibration: Calibration | None, name: str | None) -> str | None:
    """Find the device that costs are given for: that of the calibration, else the one of most results.

    Raises:
        InputError: if a device is named that has neither a calibration nor results.
    """
    if calibration is not None:
        return calibration.device
    devices = [record.device for job in found if (record := record_of(job))]
    if name is None:
        return statistics.mode(devices) if devices else None
    fitting = sorted({device for device in devices if name.lower() in device.lower()})
    if len(fitting) != 1:
        known = sorted({*devices, *(one.device for one in all_there())})
        raise InputError(f"--device: {name!r} has no calibration and no results{suggestion(name, known)}")
    return fitting[0]


def costs(
    found: Sequence[Job], makers: Mapping[Path, Job], calibration: Calibration | None, device: str | None
) -> dict[Job, Cost]:
    """Estimate the cost of every job that computes, on one device.

    Args:
        found: all jobs of a target, finished ones too.
        makers: the job behind each file.
        calibration: the device's, if there is one.
        device: name of the device; costs that others recorded do not count.
    """
    recorded: dict[str, list[Record]] = defaultdict(list)
    for job in found:
        if (record := record_of(job)) and record.device == device:
            recorded[same_work(job, makers)].append(record)
    result = {}
    for job in found:
        if job.step not in ESTIMATED:
            continue
        work = None if calibration is None else work_of(job, makers)
        cost = UNKNOWN if calibration is None or work is None else expected(work, job.step, calibration)
        if records := recorded.get(same_work(job, makers)):
            cost = _recorded(records, cost.memory)
        result[job] = cost
    return result


def _recorded(records: Sequence[Record], memory: int | None) -> Cost:
    """Summarize records; `memory` is taken if they did not record how much they needed."""
    return Cost(
        statistics.median(record.seconds for record in records),
        max((record.memory for record in records if record.memory is not None), default=memory),
        max(record.disk for record in records),
        "recorded",
    )
