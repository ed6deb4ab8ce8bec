"""Bring in results that were finished on another machine, after checking that they are what this config asks for.

    python -m pdarts.tools.bring --source /mnt/cluster/pdarts/results --target cifar

Every pending manifest, search stage, genotype, training and test of the target is looked for in the other folder. What
was made with the same settings, seed, inputs and code is copied and marked as up to date, and its provenance, if it
carries one, says where it came from. Other files are listed, with the reason why they were refused. Figures and tables
are made here.
"""

import shutil
from collections.abc import Mapping
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from pdarts.engine import files, step
from pdarts.engine.provenance import now
from pdarts.errors import InputError
from pdarts.paths import REHEARSAL, RESULTS
from pdarts.tools.results.annotations import note, rehearsed
from pdarts.tools.results.checks import CHECKS, OtherCode, check
from pdarts.tools.workflow import Job, add_config, config_of, jobs, makers, needed, snakemake


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--source", required=True, type=Path, metavar="FOLDER", help="the other machine's results/")
    parser.add_argument("--target", required=True, nargs="+", help="targets or result files to bring in")
    add_config(parser)
    parser.add_argument(
        "--reason", default="", help="bring in what other code made, too: why that cannot have changed a result"
    )
    arguments = parser.parse_args()
    source, reason = arguments.source.resolve(), arguments.reason.strip()
    if not source.is_dir() or source == RESULTS.resolve():
        raise InputError(f"--source is {arguments.source}; allowed: the results folder of another copy of the project")
    if (source / REHEARSAL.name).exists() and not REHEARSAL.exists():
        raise InputError(
            f"{arguments.source} holds a rehearsal, of which nothing is a result; name a folder of results"
        )
    config = config_of(arguments)
    found = jobs(arguments.target, config)
    brought: dict[Job, bool] = {}
    try:
        refused = _bring(found, source, bool(reason), brought)
        if brought:
            _mark(brought, source, reason, config)
    except BaseException:  # what is copied but not marked would count as made here
        for path in (path for job in brought for path in job.outputs):
            path.unlink(missing_ok=True)
        raise
    if brought:
        print("brought in:", *(f"  {path}" for job in brought for path in job.outputs), sep="\n")
    if refused:
        print("not brought in:", *(f"  {path}: {why}" for path, why in refused.items()), sep="\n")
    if not brought and not refused:
        print(f"nothing pending of {' '.join(arguments.target)} is in {source}")


def _bring(found: list[Job], source: Path, other_code: bool, brought: dict[Job, bool]) -> dict[Path, str]:
    """Copy the files that fit, and return reasons against others, by path.

    Args:
        found: all jobs of the targets.
        source: the other folder.
        other_code: whether files count that other code made.
        brought: takes the jobs whose files are copied, each before that, with whether other code made them.
    """
    made_by = makers(found)
    refused: dict[Path, str] = {}
    for job in TopologicalSorter({job: set(needed(job, made_by)) for job in found}).static_order():
        there = {path: source / path.relative_to(RESULTS) for path in job.outputs if path.is_relative_to(RESULTS)}
        if not job.pending or job.step not in CHECKS or not any(path.exists() for path in there.values()):
            continue
        try:
            brought[job] = _fits(job, there, {one for one in needed(job, made_by) if one not in brought}, other_code)
        except InputError as error:
            refused[job.path("output")] = str(error)
        else:
            for path, other in there.items():
                files.write(path, partial(shutil.copyfile, other))
    return refused


def _fits(job: Job, there: Mapping[Path, Path], not_brought: set[Job], other_code: bool) -> bool:
    """Check one job's files, and tell whether other code made them, if that is allowed.

    Raises:
        InputError: if they do not fit.
    """
    for path, other in there.items():
        if path.exists():
            raise InputError(f"there is one here, which is out of date; delete {path} first")
        if not other.exists():
            raise InputError(f"{other} is missing, which belongs to it")
        if rehearsed(other) and not job.rehearsal:
            raise InputError("it was made in a rehearsal, so it is not a result")
    if missing := [str(path) for one in not_brought if one.pending for path in one.outputs]:
        raise InputError(f"it needs {missing[0]}, which is not up to date here and was not brought in")
    try:
        check(job, there)
    except OtherCode as error:
        if not other_code:
            raise InputError(f"{error}; if that cannot have changed a result, say so with --reason") from error
        return True
    return False


def _mark(brought: Mapping[Job, bool], source: Path, reason: str, config: list[str]) -> None:
    """Note in each result where it came from, and tell Snakemake that it is up to date.

    Raises:
        InputError: if Snakemake refuses, such as during a run.
    """
    outputs = [path for job in brought for path in job.outputs]
    touch = (*config, "--touch", "--", *map(str, outputs))
    snakemake(*touch)
    for job, by_other_code in brought.items():
        entry: dict[str, Any] = {"when": now().isoformat(timespec="seconds"), "from": str(source)}
        if by_other_code:
            entry["reason"] = reason
        for path in job.outputs:
            note(path, "brought", entry)
    snakemake(*touch)


if __name__ == "__main__":
    step.run(main)
