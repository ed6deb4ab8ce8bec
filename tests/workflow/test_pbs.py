"""Another scheduler than SLURM: the profile for PBS submits jobs, and what it kills continues.

PBS itself is not at hand: its commands are stood in for by some that run jobs on this machine.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.configuration import CONFIG as CONFIGURED
from tests.configuration import ROOT
from tests.workflow.test_lost_work import FROZEN, STAGE
from tests.workflow.tree import CONFIG, Tree

pytestmark = pytest.mark.workflow

STAND_IN = ROOT / "tests" / "workflow" / "pbs_stand_in.py"
SECONDS = 240


def stand_in(folder: Path) -> dict[str, str]:
    """The environment in which `qsub`, `qstat` and `qdel` are commands of the stand-in."""
    (folder / "queue").mkdir(parents=True)
    for command in ("qsub", "qstat", "qdel"):
        (folder / command).write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" {command} "$@"\n')
        (folder / command).chmod(0o755)
    path = [str(folder), str(Path(sys.executable).parent), *os.get_exec_path()]
    return {**os.environ, "PATH": os.pathsep.join(path), "QUEUE": str(folder / "queue")}


def test_a_job_that_is_deleted_is_submitted_again_and_continues(tree: Tree, tmp_path: Path) -> None:
    tree.edit(CONFIG, FROZEN.format(2), FROZEN.format(40))
    environment = stand_in(tmp_path / "pbs")
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/pbs", "--configfile", CONFIG]
    more = ["--latency-wait", "5", "--max-status-checks-per-second", "2", "--", STAGE]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen([*command, *more], cwd=tree.root, env=environment, stdout=said, stderr=said)
        log = tree.root / "results/logs/search/tiny/seed0/stage1.log"
        waited_until = time.monotonic() + SECONDS
        while not (log.exists() and "| epoch 4/40" in log.read_text()):
            assert process.poll() is None, (tmp_path / "said").read_text()
            assert time.monotonic() < waited_until
            time.sleep(0.1)
        (job,) = (job for job in (tmp_path / "pbs/queue").iterdir() if not (job / "Exit_status").exists())
        subprocess.run(["qdel", job.name], env=environment, check=True)
        assert process.wait(SECONDS) == 0, (tmp_path / "said").read_text()
    assert "continuing at epoch" in log.read_text()
    (stop,) = json.loads(tree.read(STAGE))["provenance"]["resumed"]
    assert stop["epoch"] >= 4
    asked = CONFIGURED.requests.search
    limits = f"-l select=1:ncpus=1:mem={asked.memory}mb:ngpus={asked.gpus} -l walltime={60 * asked.minutes} "
    assert limits in (job / "request").read_text()


def test_its_profile_agrees_with_the_default_one_on_what_has_nothing_to_do_with_pbs() -> None:
    pbs, default = (yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text()) for name in ("pbs", "default"))
    assert {key: pbs.get(key) for key in default if key != "cores"} == {
        key: value for key, value in default.items() if key != "cores"
    }
