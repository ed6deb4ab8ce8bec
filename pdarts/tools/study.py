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
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pdarts import curves, draw, report, trace
from pdarts.data.tree import index_file
from pdarts.engine import files, step
from pdarts.engine.termination import PROCESS
from pdarts.errors import InputError, counted
from pdarts.settings.datasets import ImageFolder, parse_dataset
from pdarts.tools import project
from pdarts.tools.declared import read_project
from pdarts.tools.results.checks import CHECKS
from pdarts.tools.results.finished import finished_of, in_order, kept, stamp, there
from pdarts.tools.workflow import DRY_RUN, Job, machine_of, makers, needed, parse, snakemake

REPEATED = ("prepare", "derive", "sample", "choose")
"""Steps that take seconds and always make the same."""
SHOWING = {"trace": trace.main, "draw": draw.main, "curves": curves.main}
"""Steps that show results, besides tables."""


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--folder", required=True, type=Path, help="folder with the study's config.yaml and results/")
    parser.add_argument("--target", nargs="+", default=[], help="result files, below the folder (default: all)")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--dry-run", action="store_true", help="say what would run")
    only.add_argument("--tables", action="store_true", help="train nothing: make tables/ from the results in git")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    if not (folder / "config.yaml").is_file():
        raise InputError(f"--folder is {folder}, where there is no config.yaml; allowed: the folder of a study")
    if arguments.tables and arguments.target:
        raise InputError("--tables makes all tables, but --target is given too; leave one of them out")
    os.chdir(folder)
    config = read_project()
    project.link(Path.cwd(), (*project.READ, "data"))
    found = parse(snakemake(*DRY_RUN, "--", *config.tables), set())
    results = in_order([job for job in found if job.step in CHECKS])
    finished = restored(results, arguments.dry_run)
    pending = [job for job in results if job not in finished]
    print(f"{counted(len(finished), 'job')} finished, {len(pending)} missing", flush=True)
    if arguments.tables:
        refuse_unchecked(pending)
        make_tables(found, bool(pending))
    elif pending:
        stamp(job for job in results if job in finished)
        if not arguments.dry_run:
            index_images(finished)
        wanted = arguments.target or [str(path) for job in pending for path in kept(job)]
        command = runs(wanted, arguments.dry_run)
        os.execv(command[0], command)  # so that Snakemake gets all signals
    else:
        print("make study-tables makes tables and figures of them")


def runs(wanted: Sequence[str], dry_run: bool) -> list[str]:
    """The command that makes files, if one of those that they are made of is newer or missing."""
    options = ["--rerun-triggers", "mtime", *["--dry-run"] * dry_run]
    return [sys.executable, "-m", "snakemake", *options, "--", *wanted]


def restored(results: list[Job], dry_run: bool) -> set[Job]:
    """Find the jobs that are finished; first make missing files again that take no training and are always the same.

    Results that follow from such a file so stay finished, instead of being made of a newer one.
    """
    finished = finished_of(results)
    made_by = makers(results)
    repeated: list[Job] = []
    for job in results:
        if job not in finished and job.step in REPEATED and finished.union(repeated).issuperset(needed(job, made_by)):
            repeated.append(job)
    if not any(map(there, results)) or not repeated:
        return finished
    stamp(job for job in results if job in finished)
    done = PROCESS.run(runs([str(path) for job in repeated for path in kept(job)], dry_run))
    if done.returncode != 0:
        sys.exit(done.returncode)
    if dry_run:
        print("what is made of these files is compared with them once they are there, and may be finished")
    return finished_of(results)


def refuse_unchecked(pending: list[Job]) -> None:
    """Refuse results that cannot be compared with the config, since something that they are made of is missing.

    Raises:
        InputError: naming the first of them.
    """
    if unchecked := [str(kept(job)[0]) for job in pending if there(job)]:
        raise InputError(
            f"{unchecked[0]} is there, but not all that it was made of, so nobody knows whether it is a result of this "
            f"config; call make study, or delete it (files of {counted(len(unchecked), 'job')})"
        )


def index_images(finished: set[Job]) -> None:
    """Index folders of images that have no index here, though their manifest is in git.

    Raises:
        InputError: if the images are others than those of the manifest.
    """
    machine = machine_of(finished)
    for job in finished:
        if job.step != "prepare":
            continue
        dataset = parse_dataset(json.dumps(job.settings()), "--settings")
        root = Path(machine.data_root(dataset.folder))
        if not isinstance(dataset, ImageFolder) or index_file(root, "train").exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, "manifest.json")
            options = [*_words(job), "--output", str(made)]  # the second --output counts
            command = [sys.executable, "-m", "pdarts.prepare", *options]
            if (done := PROCESS.run(command)).returncode != 0:
                sys.exit(done.returncode)
            if files.read_json(made, "manifest", "pdarts.prepare") != files.read_json(
                job.path("output"), "manifest", "pdarts.prepare"
            ):
                raise InputError(
                    f"the images in {root} are not those of {job.path('output')}; put the study's images there, or set "
                    f"machine.data_roots.{dataset.folder} in its config.yaml"
                )


def make_tables(found: list[Job], partial: bool) -> None:
    """Make all traces and figures whose results are there, and write each table to `tables/`."""
    for job in in_order(found):
        if job.step in SHOWING and all(path.exists() for path in _read(job)):
            SHOWING[job.step](_words(job))
    for job in found:
        if job.step == "report":
            stem = Path("tables", job.path("output-stem").name)
            report.main([*_words(job), "--output-stem", str(stem), *["--partial"] * partial])


def _read(job: Job) -> Iterator[Path]:
    """Yield the files that a trace or figure is made of."""
    for name in ("genotype", "stages", "metrics", "traces"):
        yield from map(Path, job.options.get(name, ()))


def _words(job: Job) -> list[str]:
    """The options of a job's command."""
    return [word for name, values in job.options.items() for word in (f"--{name}", *values)]


if __name__ == "__main__":
    step.run(main)
