"""Run a study, whose results are kept in git, or make its tables from what is there.

    python -m pdarts.tools.study --folder studies/cifar10
    python -m pdarts.tools.study --folder studies/cifar10 --dry-run
    python -m pdarts.tools.study --folder studies/cifar10 --tables

A study is a folder with a `config.yaml` of its own and with results that are text. Its weights are not kept, and in a
fresh clone the times of files mean nothing. A result therefore counts as finished if it has the settings, the seed and
the inputs that the config asks for, whatever code has made it; one that has not is refused by name. All else runs, and
can be interrupted at any time.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from graphlib import TopologicalSorter
from pathlib import Path

from pdarts import curves, draw, report
from pdarts.data.tree import index_file
from pdarts.engine import files, step
from pdarts.errors import InputError, counted
from pdarts.settings.datasets import ImageFolder, parse_dataset
from pdarts.tools import project
from pdarts.tools.declared import read_config
from pdarts.tools.results.checks import CHECKS, OtherCode, check, check_tested
from pdarts.tools.workflow import DRY_RUN, Job, machine_of, makers, needed, parse, snakemake

KEPT = (".json", ".jsonl")
"""Suffixes of results that are text."""
SHOWN = 10
"""Maximal number of files that a message lists."""
FIGURES = {"draw": draw.main, "curves": curves.main}


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--folder", required=True, type=Path, help="folder with the study's config.yaml and results/")
    parser.add_argument("--target", nargs="+", default=[], help="result files, below the folder (default: all)")
    parser.add_argument("--dry-run", action="store_true", help="say what would run")
    parser.add_argument("--tables", action="store_true", help="train nothing: make tables/ from the results in git")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    if not (folder / "config.yaml").exists():
        raise InputError(f"--folder is {folder}, where there is no config.yaml; allowed: the folder of a study")
    project.link(folder, (*project.READ, "data"))
    os.chdir(folder)
    found = parse(snakemake(*DRY_RUN, "--", *read_config([Path("config.yaml")]).tables), set())
    results = in_order([job for job in found if job.step in CHECKS])
    refuse_others(results)
    missing = [path for job in results for path in kept(job) if not path.exists()]
    print(f"{counted(sum(len(kept(job)) for job in results), 'result')}, {len(missing)} missing", flush=True)
    if arguments.tables:
        make_tables(found, bool(missing))
        return
    if missing and not arguments.dry_run:
        index_images(results)
    stamp(results)
    dry = ["--dry-run"] if arguments.dry_run else []
    wanted = arguments.target or [str(path) for job in results for path in kept(job)]
    command = [sys.executable, "-m", "snakemake", "--rerun-triggers", "mtime", *dry, "--", *wanted]
    os.execv(sys.executable, command)  # signals and the exit code are Snakemake's


def kept(job: Job) -> list[Path]:
    """Outputs of a job that are text."""
    return [path for path in job.outputs if path.suffix in KEPT]


def finished(job: Job) -> bool:
    """Whether all outputs of a job that are kept are there."""
    return all(path.exists() for path in kept(job))


def in_order(found: list[Job]) -> list[Job]:
    """Sort jobs so that each stands behind those whose files it reads."""
    made_by = makers(found)
    return list(TopologicalSorter({job: set(needed(job, made_by)) for job in found}).static_order())


def refuse_others(results: list[Job]) -> None:
    """Refuse results that are not those which the config asks for; those that stand on missing ones are not compared.

    Raises:
        InputError: naming the first of them, each with the first thing that differs.
    """
    made_by, tests = makers(results), {job.path("weights"): job for job in results if job.step == "test"}
    known: set[Job] = set()
    problems = []
    for job in results:
        if not finished(job) or not known.issuperset(one for one in needed(job, made_by) if kept(one)):
            continue
        try:
            if _is_of_this_config(job, tests):
                known.add(job)
        except InputError as error:
            problems.append(f"{job.path('output')}: {error}")
    if problems:
        more = [f"… and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise InputError(
            "these results are not what config.yaml asks for; take back what has changed there, or delete the files "
            "to make them again:\n  " + "\n  ".join(problems[:SHOWN] + more)
        )


def _is_of_this_config(job: Job, tests: dict[Path, Job]) -> bool:
    """Compare a job's results with what it would make, and tell whether they are finished.

    Those of a training are if its weights are here, or else its test.

    Raises:
        InputError: naming the first thing that differs.
    """
    weights = job.path("weights" if job.step == "test" else "output")
    if job.step in ("train", "test") and not weights.exists():
        test = tests.get(weights)
        if test is None or not finished(test):
            return False
        if job.step == "train":
            check_tested(job, test)
        return True
    with suppress(OtherCode):
        check(job, {path: path for path in job.outputs})
    return True


def stamp(results: list[Job]) -> None:
    """Date finished results in the order in which they follow from each other, which is all that Snakemake looks at."""
    past = time.time_ns() - 10**9
    for number, job in enumerate(results):
        for path in job.outputs if finished(job) else ():
            if path.exists():
                os.utime(path, ns=(past + number, past + number))


def index_images(results: list[Job]) -> None:
    """Index folders of images that have no index here, though their manifest is in git.

    Raises:
        InputError: if the images are others than those of the manifest.
    """
    machine = machine_of(results)
    for job in results:
        if job.step != "prepare" or not finished(job):
            continue
        dataset = parse_dataset(json.dumps(job.settings()), "--settings")
        root = Path(machine.data_root(dataset.folder))
        if not isinstance(dataset, ImageFolder) or index_file(root, "train").exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, "manifest.json")
            options = [*_words(job), "--output", str(made)]  # the second --output counts
            command = [sys.executable, "-m", "pdarts.prepare", *options]
            if (done := subprocess.run(command, check=False)).returncode != 0:
                sys.exit(done.returncode)
            if files.read_json(made, "manifest", "pdarts.prepare") != files.read_json(
                job.path("output"), "manifest", "pdarts.prepare"
            ):
                raise InputError(
                    f"the images in {root} are not those of {job.path('output')}; put the study's images there, or set "
                    f"machine.data_roots.{dataset.folder} in its config.yaml"
                )


def make_tables(found: list[Job], partial: bool) -> None:
    """Draw all figures whose results are there, and write each table to `tables/`."""
    for job in found:
        if job.step in FIGURES and all(path.exists() for path in _read(job)):
            FIGURES[job.step](_words(job))
    for job in found:
        if job.step == "report":
            stem = Path("tables", job.path("output-stem").name)
            report.main([*_words(job), "--output-stem", str(stem), *["--partial"] * partial])


def _read(job: Job) -> Iterator[Path]:
    """Yield the files that a figure is made of."""
    for name in ("genotype", "stages", "metrics"):
        yield from map(Path, job.options.get(name, ()))


def _words(job: Job) -> list[str]:
    """The options of a job's command."""
    return [word for name, values in job.options.items() for word in (f"--{name}", *values)]


if __name__ == "__main__":
    step.run(main)
