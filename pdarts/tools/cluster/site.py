"""Checks of a SLURM site: each asks about one thing that can be wrong, and says what to set."""

import math
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pdarts import paths
from pdarts.data.catalog import SOURCES
from pdarts.errors import InputError
from pdarts.settings.config import Config
from pdarts.settings.datasets import ImageFolder
from pdarts.tools.cluster import slurm
from pdarts.tools.cluster.node import data_root, look
from pdarts.tools.cluster.slurm import Finding, Request, client, last_line
from pdarts.workflow.needs import CONTINUING

FIRST_LOOK = 40
"""Seconds until the executor asks for a job's state, unless the profile says otherwise."""
FREE = 10
"""GB that should be free for results."""

Check = Callable[[], list[Finding]]


def checks(
    asked: Sequence[Request], again: Sequence[Request], config: Config, profile: Mapping[str, Any]
) -> list[Check]:
    """List all checks of a target's requests; none depends on the result of another.

    Where no SLURM answers, the first one says so, and only those are left that do not ask it.

    Args:
        asked: requests of first attempts.
        again: requests of second attempts, for more memory and perhaps time, if there may be any.
        config: the whole config.
        profile: of Snakemake.
    """
    datasets = sorted({request.dataset for request in asked if request.dataset})
    local = [partial(limits, asked, profile), partial(data, config, datasets), partial(space, paths.RESULTS)]
    if absent := slurm.absent():
        return [partial(list, [absent]), *local, partial(locks, Path.cwd())]
    partitions = {request.partition: request for request in asked}
    accounts = {str(name) for request in asked if (name := request.resources.get("slurm_account"))}
    return [
        partial(accounting, profile, accounts),
        *(partial(submission, request) for request in [*asked, *again]),
        *(partial(look, request, config, datasets) for request in partitions.values()),
        *(partial(preemption, name) for name in partitions if name),
        *local,
        partial(left_over, Path.cwd()),
        partial(locks, Path.cwd()),
    ]


def accounting(profile: Mapping[str, Any], accounts: set[str]) -> list[Finding]:
    """Check whether the executor can learn the state of jobs, and which accounts it may charge."""
    answered, said = client("sacct", "--noheader", "--allocations", "--starttime", "now-1hours")
    squeue = profile.get("slurm-status-command") == "squeue"
    if squeue and not (settings := slurm.shown("config")):
        found = [Finding(None, "how long squeue remembers jobs: scontrol gives no answer")]
    elif squeue:
        age = settings.get("MinJobAge", "0").split()[0]
        needed = 3 * int(profile.get("slurm-init-seconds-before-status-checks", FIRST_LOOK))
        text = f"squeue remembers jobs for {age} s (MinJobAge)"
        found = [Finding(int(age) >= needed, text if int(age) >= needed else f"{text}, which must be {needed} or more")]
    elif answered:
        found = [Finding(True, "accounting: sacct answers")]
    else:
        found = [
            Finding(
                False,
                f"accounting: {last_line(said)}; Snakemake would wait for ever. Set slurm-status-command: squeue, and "
                "if sacctmgr fails too take slurm_account out",
            )
        ]
    known = slurm.accounts()
    listed = f"you may charge {', '.join(known)}" if known else "sacctmgr lists none of yours: leave it out"
    for name in sorted(accounts):
        good = name.lower() in [account.lower() for account in known]
        found.append(Finding(good, f"account {name}" if good else f"slurm_account is {name!r}; {listed}"))
    return found


def submission(request: Request) -> list[Finding]:
    """Check whether SLURM would accept such a job."""
    options = request.options()
    answered, said = client("sbatch", "--test-only", *options, "--wrap", "true")
    text = f"{request}: {shlex.join(options)}"
    return [Finding(answered, text if answered else f"{text} is refused: {last_line(said)}")]


def preemption(partition: str) -> list[Finding]:
    """Check whether preempted jobs come back: the executor never learns of those that are cancelled."""
    site, settings = slurm.shown("config"), slurm.shown("partition", partition)
    if not site or not settings:
        return [Finding(None, f"partition {partition}: whether it preempts jobs; scontrol gives no answer")]
    kind = site.get("PreemptType", "preempt/none")
    mode, grace = settings.get("PreemptMode", "OFF"), int(settings.get("GraceTime", "0"))
    if kind == "preempt/none" or mode != "CANCEL":
        return [Finding(True, f"partition {partition}: preemption {mode if kind != 'preempt/none' else 'OFF'}")]
    if grace >= 30:
        return [
            Finding(True, f"partition {partition}: preempts by CANCEL, {grace} s after telling steps to save and end")
        ]
    return [
        Finding(
            False,
            f"partition {partition} preempts by CANCEL after {grace} s: Snakemake would wait for ever for a job that "
            "is gone. Name another slurm_partition or a qos that is not preempted",
        )
    ]


def limits(asked: Sequence[Request], profile: Mapping[str, Any]) -> list[Finding]:
    """Check whether long steps get a signal before their time limit, and may be submitted often enough."""
    found = []
    retries = profile.get("retries", 0)
    if not isinstance(retries, int) or retries < 0:
        return [Finding(False, f"retries is {retries!r}; allowed: whole numbers from 0")]
    for request in asked:
        if request.rule not in CONTINUING:
            continue
        if "--signal=TERM" not in str(request.resources.get("slurm_extra")):
            text = "is killed without a word at its time limit; set slurm_extra: \"'--signal=TERM@120'\""
            found.append(Finding(False, f"{request} {text}"))
        runtime = request.resources["runtime"]
        needed = math.ceil(request.wanted_minutes / runtime)
        if needed > retries + 1:
            row = f"{request} asks for {request.wanted_minutes} minutes in jobs of {runtime}: {needed} of them in a row"
            found.append(Finding(False, f"{row}, but retries is {retries}; set retries: {needed - 1} or more"))
    return list(dict.fromkeys(found)) or [
        Finding(True, f"long steps save before their time limit, and have {retries} retries")
    ]


def data(config: Config, datasets: Sequence[str]) -> list[Finding]:
    """Check whether each dataset is prepared, or its files are there to prepare it from."""
    found = []
    for name in datasets:
        dataset, root = config.datasets[name], data_root(config, name)
        if Path(paths.MANIFEST.format(dataset=name)).exists():
            found.append(Finding(True, f"dataset {name} is prepared"))
        elif isinstance(dataset, ImageFolder):
            there = root is not None and all((root / part).is_dir() for part in ("train", "val"))
            missing = f"there is no {root}/train or {root}/val; set machine.data_roots.{dataset.folder}"
            found.append(Finding(there, f"dataset {name}: {'images are there' if there else missing}"))
        elif root is not None and (files_in := SOURCES[dataset.source].files):
            public = files_in(root)
            try:
                public.paths(public.locations, download=False)
                found.append(Finding(True, f"dataset {name}: files are there"))
            except InputError as error:
                load = config.machine.download
                found.append(Finding(load, f"dataset {name}: {'is downloaded first, here' if load else error}"))
    return found


def space(folder: Path) -> list[Finding]:
    """Check whether there is room for results."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free / 1e9
    enough = free >= FREE
    return [Finding(enough, f"{free:,.0f} GB free in {folder}/" + ("" if enough else f"; free up to {FREE} or more"))]


def left_over(folder: Path) -> list[Finding]:
    """Check whether jobs of an earlier run are left."""
    numbers = slurm.jobs_from(folder)
    if numbers is None:
        return [Finding(None, "jobs that an earlier run has left: squeue gives no answer")]
    text = f"jobs of this folder are in the queue; if no Snakemake waits for them: scancel {' '.join(numbers)}"
    return [Finding(None, text)] if numbers else []


def locks(folder: Path) -> list[Finding]:
    """Check whether a lock of an earlier run is left."""
    if any((folder / ".snakemake/locks").glob("*")):
        text = "a Snakemake is at work in this folder, or was killed: snakemake --unlock, if none is"
        return [Finding(None, text)]
    return []
