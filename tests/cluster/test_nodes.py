"""A step of several processes over several nodes, outside the executor."""

import json
import re
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.site import CONFIG, STAGE, Site, slurm, wait_for
from tests.workflow.test_chain import timeless
from tests.workflow.tree import NOTHING

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("accounting")]

SCRIPT = "profiles/slurm/several-nodes.sbatch"
EPOCH = "search tiny seed 0 stage 1 | epoch "
LOG_SHOWN = re.compile(r"^Logfile .*?^=+$.*?^=+$", re.MULTILINE | re.DOTALL)
"""What Snakemake repeats of a log when a step fails."""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A copy of the project with prepared data."""
    site = Site.of_project(tmp_path / "site")
    assert site.snakemake_here("--cores", "1", "--", "results/data/tiny.json") == 0
    return site


def submit(site: Site, *options: str) -> tuple[str, Path]:
    """Number of a job of that script for a stage of two processes, and the file that it writes."""
    (site.root / ".venv").symlink_to(Path(sys.prefix))
    arguments = [f"--chdir={site.root}", "--account=lab", *options, str(site.root / SCRIPT), "--configfile", CONFIG]
    number = slurm("sbatch", "--parsable", *arguments, "--", STAGE)
    return number, site.root / f"results/nodes-{number}.txt"


def state(number: str) -> str:
    return slurm("sacct", "-n", "-P", "-X", "-j", number, "--format=state")


def loses_nothing(output: Path, epoch: int, times: int, *command: str) -> None:
    """End a stage that is so far, wait until it has been continued so often, and print how long that took."""
    wait_for(f"epoch {epoch}", lambda: output.exists() and f"{EPOCH}{epoch}/" in output.read_text())
    since = time.monotonic()
    slurm(*command)
    wait_for("continuation", lambda: output.read_text().count("continuing at epoch") == times)
    print(f"two nodes, {' '.join(command[:-1])}: continued after {time.monotonic() - since:.0f} s")


@pytest.mark.long
def test_two_nodes_give_the_same_bits_as_one_whatever_interrupts_them(site: Site, tmp_path: Path) -> None:
    site.edit(CONFIG, "batch_size: 16\n    processes: 1", "batch_size: 16\n    processes: 2")
    alone = site.copy(tmp_path / "alone")
    assert alone.snakemake_here("--cores", "1", "--", STAGE) == 0
    number, output = submit(site, "--partition=both", "--nodes=2")
    loses_nothing(output, 4, 1, "scontrol", "requeue", number)
    loses_nothing(output, 9, 2, "scancel", "--batch", "--signal=USR1", number)  # as before the time limit
    wait_for("good end", lambda: state(number) == "COMPLETED")
    for path in (STAGE, STAGE.replace(".json", ".metrics.jsonl")):
        assert timeless(site, path) == timeless(alone, path)
    provenance = json.loads(site.read(STAGE))["provenance"]
    assert (provenance["processes"], len(provenance["resumed"])) == (2, 2)
    said = LOG_SHOWN.sub("", output.read_text())
    assert [said.count(f"{EPOCH}{epoch}/") for epoch in range(1, 21)] == [1] * 20
    steps = slurm("sacct", "-n", "-P", "-j", f"{number}.0", "--duplicates", "--format=nnodes,ntasks,nodelist").split()
    assert steps == ["2|2|cpu1,gpu1"] * 3
    later = site.python("-m", "snakemake", "--configfile", CONFIG, "--dry-run", "--", STAGE)
    assert NOTHING in later.stdout, later.stdout


@pytest.mark.long
def test_a_step_of_one_process_is_saved_before_the_time_limit_too(site: Site) -> None:
    number, output = submit(site, "--partition=both", "--nodes=2")
    loses_nothing(output, 4, 1, "scancel", "--batch", "--signal=USR1", number)
    wait_for("good end", lambda: state(number) == "COMPLETED")
    said = LOG_SHOWN.sub("", output.read_text())
    assert [said.count(f"{EPOCH}{epoch}/") for epoch in range(1, 21)] == [1] * 20


def test_processes_that_the_nodes_cannot_share_are_refused(site: Site) -> None:
    site.edit(CONFIG, "batch_size: 16\n    processes: 1", "batch_size: 15\n    processes: 3")
    number, output = submit(site, "--partition=both", "--nodes=2")
    wait_for("bad end", lambda: state(number) == "FAILED")
    assert "processes is 3, but this SLURM job has 2 nodes" in output.read_text()
