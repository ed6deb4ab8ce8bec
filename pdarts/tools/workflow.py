"""Jobs that Snakemake would run for a target, and which of them are pending.

A dry run of all jobs prints the command of each, which gives everything that the job depends on; `--summary` says which
files would be made anew. Neither locks nor changes anything, so both work while a run is under way.
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdarts import paths
from pdarts.checking import parse_argument
from pdarts.engine.termination import PROCESS
from pdarts.errors import InputError, counted
from pdarts.settings.machine import Machine
from pdarts.tools.declared import read_project

OUTPUTS = ("output", "metrics", "choice")
"""Options that name what a step writes; `--metrics` of `curves` and `trace` is read instead."""

DRY_RUN = ("--nolock", "--dry-run", "--forceall", "--printshellcmds")


UNTOLD = ("machine", "extensions")
"""Options that do not count as settings: where a step runs, and files of code, which count in its hash."""


@dataclass(frozen=True, eq=False)
class Job:
    """One job of the workflow."""

    step: str
    """Name of the step, such as `search`."""
    code: str
    """Hash of that step's code."""
    options: Mapping[str, tuple[str, ...]]
    """Values after each option of its command, by the option's name without dashes."""
    pending: bool
    """Whether a run would run it."""

    def option(self, name: str) -> str | None:
        """The value of an option that takes one; None where it is left out."""
        values = self.options.get(name)
        return values[0] if values else None

    def path(self, name: str) -> Path:
        """The value of an option that names a file and is always there."""
        return Path(self.options[name][0])

    def settings(self) -> dict[str, Any]:
        """The values of `--settings`."""
        return json.loads(self.options["settings"][0])

    def told(self) -> tuple[str, dict[str, tuple[str, ...]]]:
        """The step, and those of its options that decide what it computes."""
        return self.step, {name: values for name, values in self.options.items() if name not in UNTOLD}

    @property
    def rehearsal(self) -> bool:
        """Whether it belongs to a rehearsal, which makes no results."""
        return "rehearsal" in self.options

    @property
    def experiment(self) -> str:
        """Name of the search or training that the job belongs to; empty for others."""
        return self.option("experiment") or ""

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files that it writes."""
        if stem := self.option("output-stem"):
            endings = paths.EXPORT_FORMS if self.step == "export" else paths.TABLE_FORMS
            return tuple(map(Path, paths.forms(stem, endings)))
        names = OUTPUTS[:1] if self.step in ("curves", "trace") else OUTPUTS
        return tuple(Path(value) for name in names for value in self.options.get(name, ()))


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the targets."""
    parser.add_argument("--target", nargs="*", default=["demo"], help="targets or result files (default: demo)")


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add Snakemake's options that say where settings come from."""
    parser.add_argument(
        "--configfile", nargs="+", default=[], metavar="FILE.yaml", help="your own settings, as for snakemake"
    )
    parser.add_argument(
        "--config", nargs="+", default=[], metavar="KEY=VALUE", help="single settings, as for snakemake"
    )


def config_of(arguments: argparse.Namespace) -> list[str]:
    """Collect the options of `add_config` for Snakemake.

    Raises:
        InputError: as `read_project`, whose messages are shorter than Snakemake's.
    """
    read_project(arguments.configfile, arguments.config)
    given = {"--configfile": arguments.configfile, "--config": arguments.config}
    return [word for option, values in given.items() if values for word in (option, *values)]


def jobs(targets: Sequence[str], config: Sequence[str] = ()) -> list[Job]:
    """Find all jobs behind the targets, pending or not.

    Args:
        targets: names of targets, or result files.
        config: what `config_of` gives.

    Raises:
        InputError: if Snakemake refuses them.
    """
    if not all(targets) or not targets:
        raise InputError("no target is named; name one, such as demo, or a result file")
    with ThreadPoolExecutor() as pool:
        summary = pool.submit(snakemake, *config, "--nolock", "--summary", "--", *targets)
        dry_run = pool.submit(snakemake, *config, *DRY_RUN, "--", *targets)
    return parse(dry_run.result(), outdated(summary.result()))


def outdated(summary: str) -> set[Path]:
    """List files that are missing or would be made anew, from `snakemake --summary`: path, …, status, plan."""
    rows = [line.split("\t") for line in summary.splitlines() if "\t" in line]
    return {Path(row[0]) for row in rows if row[-1] == "update pending" or row[-2] == "missing"}


def recorded(detailed_summary: str) -> dict[Path, Job]:
    """Find the job that made each file, from the command that Snakemake has kept; files without one are left out."""
    found = {}
    for line in detailed_summary.splitlines():
        path, *_, command, _status, _plan = line.split("\t") if line.count("\t") == 7 else ("",) * 4
        if match := re.match(r"# code (\w+); (.+)", command):
            step, options = _command(match[2])
            found[Path(path)] = Job(step, match[1], options, pending=False)
    return found


def parse(dry_run: str, pending: set[Path]) -> list[Job]:
    """Read the jobs of a dry run that prints commands; a job with an output in `pending` is pending.

    Raises:
        InputError: if a job's command is not that of a step.
    """
    found = []
    for code, command in re.findall(r"^Shell command: # code (\w+)\n(.+)$", dry_run, re.MULTILINE):
        step, options = _command(command)
        job = Job(step, code, options, pending=False)
        found.append(Job(step, code, options, pending=not pending.isdisjoint(job.outputs)))
    commands = len(re.findall(r"^Shell command: (?!None$)", dry_run, re.MULTILINE))
    if len(found) != commands:
        raise InputError(
            f"{commands - len(found)} of {counted(commands, 'job')} run no step of pdarts, so nothing is known of "
            "them; let the command of every rule begin with command(step)"
        )
    return found


def _command(command: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Read step and options of a shell command such as `python -m pdarts.derive --stage FILE 2> >(tee LOG >&2)`."""
    words = shlex.split(command.partition(" 2> >(")[0])
    index = next((index for index, word in enumerate(words) if word.startswith("pdarts.")), None)
    if index is None:
        raise InputError(f"a job's command is not a step of pdarts: {command}")
    options: dict[str, tuple[str, ...]] = {}
    name = ""
    for word in words[index + 1 :]:
        if word.startswith("--"):
            name = word.removeprefix("--")
            options[name] = ()
        else:
            options[name] += (word,)
    return words[index].removeprefix("pdarts."), options


def needed(job: Job, makers: Mapping[Path, Job]) -> Iterable[Job]:
    """Find the jobs that make the files which `job` reads, directly.

    Args:
        job: any job.
        makers: the job behind each file.
    """
    for values in job.options.values():
        for value in values:
            maker = makers.get(Path(value))
            if maker is not None and maker is not job:
                yield maker


def machine_of(found: Iterable[Job]) -> Machine:
    """Read where the jobs would run."""
    (text,) = {job.options["machine"][0] for job in found if "machine" in job.options} or {"{}"}
    return parse_argument(Machine, text, "machine")


def makers(all_jobs: Iterable[Job]) -> dict[Path, Job]:
    """The job behind each file."""
    return {output: job for job in all_jobs for output in job.outputs}


def snakemake(*arguments: str) -> str:
    """Run Snakemake, and return what it prints.

    Raises:
        InputError: if it fails, with the message that ended the workflow, or else with all that it printed.
    """
    command = [sys.executable, "-m", "snakemake", *arguments]
    done = PROCESS.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0 and (refused := re.search(r"^error: (.+)\Z", done.stdout, re.MULTILINE | re.DOTALL)):
        raise InputError(refused[1].strip())
    if done.returncode != 0:
        raise InputError(f"snakemake {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout
