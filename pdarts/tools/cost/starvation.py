"""Find work whose images are decoded more slowly than its device takes them."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from pdarts.errors import counted
from pdarts.tools.cost.calibration import Calibration
from pdarts.tools.cost.work import Work, work_of
from pdarts.tools.workflow import Job


def starving(
    found: Iterable[Job], makers: Mapping[Path, Job], calibration: Calibration | None, workers: int
) -> list[str]:
    """Say which pending searches and trainings will wait for images, and how many workers would keep up.

    Args:
        found: jobs of a target.
        makers: the job behind each file.
        calibration: of the device; None if there is none.
        workers: `machine.workers`.
    """
    lines = {}
    for job in found:
        if calibration is None or not job.pending or job.step not in ("search", "train"):
            continue
        work = work_of(job, makers)
        part = f" stage {job.option('stage')}" if job.step == "search" else ""
        if work is not None and (text := _starved(work, calibration, workers)):
            lines[f"{job.step} {job.experiment}{part}"] = text
    if not lines:
        return []
    longer = "Images are decoded more slowly than the device takes them, so it will wait:"
    return ["", longer, *(f"  {name}: {text}" for name, text in lines.items())]


def _starved(work: Work, calibration: Calibration, workers: int) -> str | None:
    """Compare decoding with the fastest kind of iteration; None if it keeps up, or if it was not measured."""
    timings = calibration.units.get(work.key, {}).get("timings", {})
    kinds = [kind for kind, count in work.counts().items() if count and kind != "evaluation"]
    if "decoding" not in timings or not all(kind in timings for kind in kinds):
        return None
    images, decoding = work.decoding["decoding"][1], timings["decoding"]
    step = min(timings[kind]["median"] for kind in kinds)
    of_one = max(1, decoding["workers"]) * decoding["median"]
    enough = math.ceil(of_one / step)
    if enough <= workers:
        return None
    decoded, taken = max(1, workers) * images / of_one, images / step
    sets = "two sets of them" if work.step == "search" else "them"
    return (
        f"with {counted(workers, 'worker')}, a process decodes {decoded:,.0f} images a second, and its device takes "
        f"{taken:,.0f}. machine.workers: {enough} would keep up, given cores for {sets}"
    )
