"""Finds out which results are finished, by their settings, seeds and inputs alone, whatever their times say."""

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from graphlib import TopologicalSorter
from pathlib import Path

from pdarts.errors import InputError
from pdarts.tools.results.checks import OtherCode, check, check_checkpoint, check_tested
from pdarts.tools.workflow import Job, makers, needed

KEPT = (".json", ".jsonl")
"""Suffixes of results that are text."""
SHOWN = 10
"""Maximal number of files that a message lists."""


def kept(job: Job) -> list[Path]:
    """Outputs of a job that are text."""
    return [path for path in job.outputs if path.suffix in KEPT]


def in_order(found: list[Job]) -> list[Job]:
    """Sort jobs so that each stands after those whose files it reads."""
    made_by = makers(found)
    return list(TopologicalSorter({job: set(needed(job, made_by)) for job in found}).static_order())


def finished_of(results: list[Job]) -> set[Job]:
    """Find the jobs whose results are there, and so are those of all jobs before them.

    Raises:
        InputError: naming results that are not those which the config asks for, each with the first difference.
    """
    made_by, tests = makers(results), {job.path("weights"): job for job in results if job.step == "test"}
    finished: set[Job] = set()
    problems = []
    for job in results:
        if not finished.issuperset(needed(job, made_by)) or not there(job):
            continue
        try:
            if _fits(job, tests):
                finished.add(job)
        except InputError as error:
            problems.append(f"{', '.join(map(str, kept(job)))}: {error}")
    if problems:
        more = [f"… and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise InputError(
            "these results are not what config.yaml asks for; take back what has changed there, or delete the files "
            "to make them again:\n  " + "\n  ".join(problems[:SHOWN] + more)
        )
    return finished


def there(job: Job) -> bool:
    """Whether all outputs of a job that are text are there."""
    return all(path.exists() for path in kept(job))


def _fits(job: Job, tests: Mapping[Path, Job]) -> bool:
    """Compare the results of a job with what it would make; those of a training count with its weights or its test.

    Raises:
        InputError: naming the first thing that differs.
    """
    if job.step == "test" and job.option("genotype"):
        check_checkpoint(job)
        return True
    weights = job.path("weights" if job.step == "test" else "output")
    if job.step in ("train", "test") and not weights.exists():
        test = tests.get(weights)
        if test is None or not there(test):
            return False
        if job.step == "train":
            check_tested(job, test)
        return True
    with suppress(OtherCode):
        check(job, {path: path for path in job.outputs})
    return True


def stamp(finished: Iterable[Job]) -> None:
    """Date results in the order of their jobs, so that each is newer than what it was made of."""
    past = time.time_ns() - 10**9
    for number, job in enumerate(finished):
        for path in job.outputs:
            if path.exists():
                os.utime(path, ns=(past + number, past + number))
