"""A real SLURM on this machine, and the workflow as a user runs it there: with the project's own profile, unedited."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.workflow.test_chain import timeless
from tests.workflow.tree import Tree

HERE = Path(__file__).parent
FOLDER = Path("/tmp/pdarts-slurm")
"""Of everything that belongs to the daemons."""
CONFIG = "cluster.yaml"
PROFILE = "profiles/slurm/config.yaml"
STAGE = "results/search/tiny/seed0/stage1.json"
GENOTYPE = "results/search/tiny/seed0/genotype.json"
TEST = "results/train/tiny/seed0/test.json"
EPOCH = "search tiny seed 0 stage 1 | epoch "
OUTCOME = (STAGE, STAGE.replace(".json", ".metrics.jsonl"), GENOTYPE, "results/train/tiny/seed0/metrics.jsonl", TEST)
"""What must come out the same whatever happened; `test.json` holds the accuracy."""

QUICK = ("--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "5", "--slurm-keep-successful-logs")
"""The executor's first look after 3 s, not 40."""


def slurm(*command: str) -> str:
    """What a client of SLURM prints; clients can hang."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


class Cluster:
    """The daemons, with accounting or without; one of the two at a time."""

    def __init__(self) -> None:
        self.accounting: bool | None = None

    def up(self, accounting: bool) -> None:
        """Bring it up, or skip the test where that is impossible."""
        if self.accounting == accounting:
            return
        self.down()
        done = subprocess.run(
            [HERE / "up.sh"], env={**os.environ, "ACCOUNTING": str(int(accounting))}, stderr=subprocess.PIPE, text=True
        )
        if done.returncode == 3:
            pytest.skip(done.stderr.strip())
        assert done.returncode == 0, done.stderr
        self.accounting = accounting

    def clear(self) -> None:
        """Cancel all jobs, and wait until they have ended."""
        if self.accounting is not None and slurm("squeue", "-h"):
            slurm("scancel", "--user=root")
            wait_for("empty queue", lambda: not slurm("squeue", "-h"))

    def down(self) -> None:
        """End it, if this session has started it."""
        if self.accounting is not None:
            subprocess.run([HERE / "down.sh"], check=True)
            self.accounting = None


def wait_for(what: str, true: Callable[[], Any], seconds: float = 180, process: "Snakemake | None" = None) -> Any:
    """Wait until `true()` is; what it gave."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, f"no {what} within {seconds} s" + (f":\n{process.said()}" if process else "")
        time.sleep(0.1)
    return value


@dataclass(frozen=True)
class Site(Tree):
    """A copy of the project in which Snakemake submits its jobs."""

    @classmethod
    def of_project(cls, root: Path) -> "Site":
        site = cls(Tree.of_project(root).root)
        site.write(CONFIG, (HERE / "tiny.yaml").read_text())
        return site

    def copy(self, root: Path) -> "Site":
        """The same without what the search and the trainings left."""
        site = Site(super().copy(root).root)
        for folder in ("results/search", "results/train", "results/tables", "results/logs", ".snakemake/slurm_logs"):
            subprocess.run(["rm", "-rf", site.root / folder], check=True)
        return site

    def start(self, *arguments: str) -> "Snakemake":
        """What a user types, with the executor's first look after 3 s."""
        return Snakemake(self, arguments)

    def snakemake_here(self, *arguments: str) -> int:
        """Exit code of a Snakemake that runs its jobs itself."""
        return self.python("-m", "snakemake", "--configfile", CONFIG, *arguments).returncode

    def finish(self, *arguments: str) -> str:
        """Run Snakemake to its good end; what it said."""
        process = self.start(*arguments)
        assert process.wait() == 0, process.said()
        return process.said()

    def logs(self, rule: str = "*") -> str:
        """What all SLURM jobs of a rule have written, in the order of their numbers."""
        found = sorted(self.root.glob(f".snakemake/slurm_logs/rule_{rule}/**/*.log"), key=lambda path: path.stem)
        return "".join(path.read_text() for path in found)

    def epochs(self) -> Counter[int]:
        """How often each epoch of the search has been computed."""
        lines = [line for line in self.logs("search").splitlines() if line.startswith(EPOCH)]
        return Counter(int(line.removeprefix(EPOCH).partition("/")[0]) for line in lines)

    def outcome(self) -> list[Any]:
        """Genotype, accuracy and all else that was computed, times apart."""
        return [timeless(self, path) for path in OUTCOME]

    def job(self, rule: str = "search") -> str | None:
        """The number of the running SLURM job of a rule."""
        lines = slurm("squeue", "-h", "-t", "running", "-o", "%i %k").splitlines()
        return next((line.split()[0] for line in lines if line.split()[1].startswith(f"rule_{rule}")), None)


class Snakemake:
    """A Snakemake under way."""

    under_way: ClassVar[list["Snakemake"]] = []

    def __init__(self, site: Site, arguments: tuple[str, ...]) -> None:
        target = () if "--" in arguments else ("--", TEST)
        command = ["--workflow-profile", "profiles/slurm", "--configfile", CONFIG, *QUICK, *arguments, *target]
        self.output = site.root / f"snakemake-{time.monotonic_ns()}.txt"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *command],
                cwd=site.root,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

        self.under_way.append(self)

    def said(self) -> str:
        return self.output.read_text()

    def wait(self, seconds: float = 900) -> int:
        """Its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"Snakemake still waits after {seconds} s:\n{self.said()}")

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
