"""Answers of a SLURM site, and requests of jobs to it. A client that takes longer than some seconds is given up."""

import getpass
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pdarts import paths
from pdarts.errors import InputError
from pdarts.settings.config import Config
from pdarts.tools.workflow import Job
from pdarts.workflow.needs import dataset_of, needs_of

SECONDS = 10.0
"""Seconds for a client that only asks."""
LOCAL_STEPS = ("download", "trace", "draw", "curves", "report")
"""Steps that run where Snakemake runs, not in jobs of SLURM."""


@dataclass(frozen=True)
class Request:
    """Resources that SLURM jobs of one kind ask for."""

    rule: str
    dataset: str | None
    resources: Mapping[str, Any]
    """Resources by Snakemake's names, such as `mem_mb`; `runtime` is in minutes."""
    wanted_minutes: int
    """Minutes that config.yaml asks for; the profile may allow less."""
    attempt: int
    """Number of the attempt, from 1."""

    def __str__(self) -> str:
        kind = f"{self.rule} on {self.dataset}" if self.dataset else self.rule
        return kind if self.attempt == 1 else f"{kind}, attempt {self.attempt}"

    @property
    def partition(self) -> str | None:
        """Partition to run in; None leaves the choice to the site."""
        return self.resources.get("slurm_partition")

    @property
    def wants_gpu(self) -> bool:
        """Whether it asks for a GPU, in any of the ways to do so."""
        return bool(self.resources.get("gpu") or self.resources.get("gpu_model") or self.resources.get("gres"))

    def options(self, minutes: int | None = None) -> list[str]:
        """List options of `sbatch` and `srun`, as the executor writes them; `minutes` replaces the job's own limit."""
        get = self.resources.get
        given = {
            "--account": get("slurm_account"),
            "--partition": self.partition,
            "--time": minutes or get("runtime"),
            "--mem": get("mem_mb"),
            "--cpus-per-task": get("cpus_per_task"),
            "--gres": get("gres"),
            "--constraint": get("constraint"),
            "--qos": get("qos"),
            "--gpus": f"{get('gpu_model')}:{get('gpu') or 1}" if get("gpu_model") else get("gpu"),
        }
        return [f"{name}={value}" for name, value in given.items() if value] + shlex.split(
            str(get("slurm_extra") or "")
        )


@dataclass(frozen=True)
class Finding:
    """The result of a check: a line of the report."""

    good: bool | None
    """Whether all is well; None if that could not be found out."""
    text: str


def client(*command: str, seconds: float = SECONDS) -> tuple[bool, str]:
    """Call a SLURM client: whether it succeeds, and its output; one that does not end in time fails."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"{command[0]} gave no answer within {seconds:.0f} s"
    except FileNotFoundError:
        return False, f"there is no command {command[0]}"
    return done.returncode == 0, done.stdout.strip()


def last_line(said: str) -> str:
    """Return the last line that a client printed."""
    return said.strip().splitlines()[-1] if said.strip() else "no answer"


def read_profile(path: Path) -> dict[str, Any]:
    """Read the settings of a Snakemake profile.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        profile = yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"--profile is {path}, of which config.yaml cannot be read: {error}") from error
    if not isinstance(profile, dict) or profile.get("executor") != "slurm":
        raise InputError(f"--profile is {path}, whose executor is not slurm; allowed: a profile such as profiles/slurm")
    for key in ("default-resources", "set-resources"):
        if not isinstance(profile.get(key, {}), dict):
            raise InputError(f"{path}/config.yaml: {key} is {profile[key]!r}; write names with values below it")
    return profile


def requests(found: Iterable[Job], config: Config, profile: Mapping[str, Any], attempt: int = 1) -> list[Request]:
    """Collect the requests of jobs in one of their attempts, each request once."""
    asked: list[Request] = []
    for job in found:
        if job.step not in LOCAL_STEPS and (request := _request(job, config, profile, attempt)) not in asked:
            asked.append(request)
    return asked


def _request(job: Job, config: Config, profile: Mapping[str, Any], attempt: int) -> Request:
    rule = "test_checkpoint" if job.step == "test" and job.option("genotype") else job.step
    names = paths.wildcards_of(job.outputs[0])
    needs = needs_of(config, job.step, names, attempt)
    resources = {
        **profile.get("default-resources", {}),
        "cpus_per_task": needs.threads,
        "mem_mb": needs.memory,
        "runtime": needs.minutes,
        "gpu": needs.gpus,
        **profile.get("set-resources", {}).get(rule, {}),
    }
    plain = {key: _plain(value) for key, value in resources.items()}
    plain["runtime"] = minutes(plain["runtime"])
    return Request(rule, dataset_of(config, names), plain, needs.minutes, attempt)


def _plain(value: Any) -> Any:
    """Strip a resource of the quotes that keep Snakemake from reading it as an expression."""
    return value[1:-1] if isinstance(value, str) and value[:1] == value[-1:] == "'" else value


def minutes(runtime: object) -> int:
    """Convert Snakemake's `runtime` to minutes; it is a number, or a text such as 90m, 12h or 2d.

    Raises:
        InputError: if it is neither.
    """
    text = str(runtime).strip()
    units = {"m": 1, "h": 60, "d": 24 * 60}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    if not number.isdigit() or not int(number):
        raise InputError(f"runtime is {runtime!r}; allowed: minutes, or a text such as 90m, 12h, 2d")
    return int(number) * unit


def absent() -> Finding | None:
    """Find out whether a SLURM answers here; None if one does."""
    answered, said = client("scontrol", "ping")
    advice = "call this where jobs are submitted from, such as a login node; what only SLURM knows is not asked"
    return None if answered else Finding(False, f"there is no SLURM here ({last_line(said)}); {advice}")


def jobs_from(folder: Path) -> list[str] | None:
    """List the numbers of this user's jobs in the queue that Snakemake submitted in `folder`; None if not answered."""
    answered, said = client("squeue", "--noheader", "--user", getpass.getuser(), "--format", "%i|%Z|%k")
    lines = [line.split("|", 2) for line in said.splitlines()]
    return (
        None
        if not answered
        else [
            number for number, folder_of, comment in lines if comment.startswith("rule_") and Path(folder_of) == folder
        ]
    )


def accounts() -> list[str]:
    """List the accounts that this user may charge."""
    answered, said = client(
        "sacctmgr", "--noheader", "--parsable2", "show", "associations", f"user={getpass.getuser()}", "format=account"
    )
    return sorted(set(said.split())) if answered else []


def shown(*command: str) -> dict[str, str]:
    """Read the answer of `scontrol show …`, by name."""
    answered, said = client("scontrol", "--oneliner", "show", *command)
    if not answered:
        return {}
    pairs = (word.split("=", 1) for line in said.splitlines() for word in _words(line) if "=" in word)
    return {name.strip(): value.strip() for name, value in pairs}


def _words(line: str) -> list[str]:
    """Split a line of `scontrol show` into settings; that of `config` has one, with blanks around =, others many."""
    return [line] if " = " in line else line.split()
