"""Whatever happens to jobs, nodes and Snakemake: the same results, and no epoch computed twice."""

import json
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.site import CONFIG, GENOTYPE, PROFILE, QUICK, STAGE, TEST, Site, Snakemake, slurm, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("accounting")]


NEAR = "weights: {learning_rate: 0.025, final_learning_rate: 0.0, momentum: 0.9, weight_decay: 0.0003, clip: 5.0}"
"""How the search trains."""
LONG = 450
"""Epochs of a search that no job of two minutes can finish."""


def running(site: Site, process: Snakemake, epoch: int) -> str:
    """Wait until a search job is so far; its number."""
    wait_for(f"epoch {epoch}", lambda: max(site.epochs(), default=0) >= epoch, process=process)
    return wait_for("running job", site.job, process=process)


def continues(site: Site, since: float, times: int, what: str, process: Snakemake) -> None:
    """Wait until the search has been continued so often; print how long that took."""
    wait_for("continuation", lambda: site.logs("search").count("continuing at epoch") >= times, process=process)
    print(f"{what}: continued after {time.monotonic() - since:.0f} s")


def check(site: Site, undisturbed: Site, continued: int, abrupt: int = 0, epochs: int = 20) -> None:
    """The same outcome; each epoch computed once, but for those in hand when a process was ended abruptly."""
    assert site.outcome() == undisturbed.outcome()
    resumed = json.loads(site.read(STAGE))["provenance"]["resumed"]
    assert len(resumed) == continued
    positions = [(stop["epoch"], stop["step"]) for stop in resumed]
    assert positions == sorted(positions)
    computed = site.epochs()
    assert set(computed) == set(range(1, epochs + 1))
    assert computed.total() - len(computed) <= abrupt


def test_requeues_and_signals_lose_nothing(site: Site, undisturbed: Site) -> None:
    process = site.start()
    job, since = running(site, process, 3), time.monotonic()
    slurm("scontrol", "requeue", job)
    continues(site, since, 1, "scontrol requeue", process)
    job, since = running(site, process, 8), time.monotonic()
    slurm("scancel", "--signal=TERM", job)
    continues(site, since, 2, "scancel --signal=TERM", process)
    assert site.logs("search").count("told to end: saved at epoch") == 2
    assert process.wait() == 0, process.said()
    check(site, undisturbed, continued=2)


@pytest.mark.long
def test_time_limits_shorter_than_the_work_lose_nothing(site: Site, tmp_path: Path) -> None:
    site.edit(CONFIG, "epochs: 20", f"epochs: {LONG}")
    unlimited = site.copy(tmp_path / "unlimited")
    assert unlimited.snakemake_here("--", TEST) == 0
    site.edit(PROFILE, "# runtime: 1440", "runtime: 2")
    site.edit(PROFILE, "--signal=TERM@120", "--signal=TERM@15")  # SLURM may send it up to a minute too early
    site.edit(PROFILE, "retries: 5", "retries: 15")
    process, since = site.start(), time.monotonic()
    assert process.wait(1500) == 0, process.said()
    search = json.loads(site.read(STAGE))
    stops = len(search["provenance"]["resumed"])
    print(f"time limit of 2 minutes: {stops} resubmissions, {search['seconds']:.0f} s of search in", end=" ")
    print(f"{time.monotonic() - since:.0f} s")
    assert stops >= 2
    check(site, unlimited, continued=stops, epochs=LONG)


@pytest.mark.long
def test_too_few_retries_are_said_and_the_same_command_continues(site: Site, undisturbed: Site) -> None:
    process = site.start("--retries", "0")
    slurm("scancel", "--signal=TERM", running(site, process, 5))
    assert process.wait() != 0
    assert "the same command continues there" in process.said()
    process, since = site.start(), time.monotonic()
    continues(site, since, 1, "no retries left, then the same command", process)
    assert process.wait() == 0, process.said()
    check(site, undisturbed, continued=1)


@pytest.mark.long
@pytest.mark.parametrize(("partition", "abrupt"), [("gpu", 0), ("gpu-abrupt", 0)])
def test_preemption_loses_nothing(site: Site, undisturbed: Site, partition: str, abrupt: int) -> None:
    site.edit(PROFILE, "slurm_partition: gpu", f"slurm_partition: {partition}")
    process = site.start()
    running(site, process, 5)
    since = time.monotonic()
    urgent = slurm(
        "sbatch", "--parsable", "-A", "lab", "-p", "gpu-urgent", "--gpus=2", "-t1", "-o/dev/null", "--wrap", "sleep 10"
    )
    wait_for("urgent job", lambda: slurm("squeue", "-h", "-j", urgent, "-o", "%T") == "RUNNING")
    print(f"{partition}: the urgent job runs after {time.monotonic() - since:.0f} s")
    continues(site, since, 1, f"preemption in {partition}, by a job of 10 s", process)
    assert process.wait() == 0, process.said()
    check(site, undisturbed, continued=1, abrupt=abrupt)


@pytest.mark.long
def test_a_node_that_goes_down_and_comes_back_loses_nothing(site: Site, undisturbed: Site) -> None:
    process = site.start()
    running(site, process, 5)
    since = time.monotonic()
    slurm("scontrol", "update", "nodename=gpu1", "state=down", "reason=test")
    wait_for("node", lambda: slurm("sinfo", "-h", "-N", "-p", "gpu", "-o", "%T") in ("idle", "mixed"))
    print(f"the node is back after {time.monotonic() - since:.0f} s")
    continues(site, since, 1, "node set down", process)
    code = process.wait()
    # An executor that notices the failure excludes the node, here the only one with GPUs, or one called "None assigned"
    # https://github.com/snakemake/snakemake-executor-plugin-slurm/issues/485
    assert code == 0 or "excluded from subsequent submissions" in process.said(), process.said()
    site.finish()
    check(site, undisturbed, continued=1, abrupt=1)


@pytest.mark.long
def test_ctrl_c_loses_nothing(site: Site, undisturbed: Site) -> None:
    process = site.start()
    running(site, process, 5)
    process.interrupt()
    assert process.wait() != 0
    wait_for("empty queue", lambda: not slurm("squeue", "-h", "-t", "running,completing"))
    process, since = site.start(), time.monotonic()
    continues(site, since, 1, "Ctrl-C, then the same command", process)
    assert process.wait() == 0, process.said()
    check(site, undisturbed, continued=1)


@pytest.mark.long
def test_a_killed_snakemake_leaves_a_lock_that_is_said_and_nothing_is_lost(site: Site, undisturbed: Site) -> None:
    process = site.start()
    job = running(site, process, 5)
    process.kill()
    slurm("scancel", job)
    wait_for("empty queue", lambda: not slurm("squeue", "-h", "-t", "running,completing"))
    refused = site.start()
    assert refused.wait() != 0
    assert "--unlock" in refused.said()
    site.finish("--unlock")
    process, since = site.start("--rerun-incomplete"), time.monotonic()
    continues(site, since, 1, "Snakemake killed, then the same command", process)
    assert process.wait() == 0, process.said()
    check(site, undisturbed, continued=1)


@pytest.mark.long
def test_a_job_that_outlives_its_snakemake_is_not_computed_again(site: Site, undisturbed: Site) -> None:
    process = site.start("--", GENOTYPE)
    running(site, process, 5)
    process.kill()
    wait_for("empty queue", lambda: not slurm("squeue", "-h", "-t", "running,completing"))
    site.finish("--unlock")
    site.finish()
    check(site, undisturbed, continued=0)


@pytest.mark.long
def test_retries_of_a_search_that_diverges_end_at_once_with_the_same_message(site: Site) -> None:
    far = "weights: {learning_rate: 10.0, final_learning_rate: 10.0, momentum: 0.0, weight_decay: 0.5, clip: null}"
    site.edit(CONFIG, NEAR, far)
    process = site.start("--retries", "1", "--", GENOTYPE)
    assert process.wait() != 0
    assert site.logs("search").count("error: the loss or the weights are not finite") == 2
    assert site.logs("search").count("This is known from an earlier attempt") == 1
    assert set(site.epochs().values()) <= {1}


@pytest.mark.long
def test_a_resume_file_of_other_settings_is_refused_and_said(site: Site) -> None:
    process = site.start("--retries", "0", "--", GENOTYPE)
    slurm("scancel", "--signal=TERM", running(site, process, 5))
    assert process.wait() != 0
    site.edit(CONFIG, "skip_dropout: 0.3", "skip_dropout: 0.4")
    site.finish("--", GENOTYPE)
    assert "it belongs to other work: settings.skip_dropout is 0.3 there, 0.4 here" in site.logs("search")
    assert json.loads(site.read(STAGE))["provenance"]["resumed"] == []


@pytest.mark.long
def test_snakemake_runs_as_a_job_and_goes_on_after_its_own_time_limit(site: Site, undisturbed: Site) -> None:
    (site.root / ".venv").symlink_to(Path(sys.prefix))
    options = ["--account=lab", "--partition=cpu", f"--chdir={site.root}"]
    script = [str(site.root / "profiles/slurm/snakemake.sbatch"), "--configfile", CONFIG, *QUICK, "--", TEST]
    main = slurm("sbatch", "--parsable", *options, *script)
    neighbour = slurm("sbatch", "--parsable", *options, "--mem=100", "--wrap", "sleep 900")
    wait_for("epoch 5", lambda: max(site.epochs(), default=0) >= 5)
    since = time.monotonic()
    slurm("scancel", "--batch", "--signal=USR1", main)
    wait_for("continuation", lambda: "continuing at epoch" in site.logs("search"))
    print(f"Snakemake's own job told of its time limit: continued after {time.monotonic() - since:.0f} s")
    wait_for("end", lambda: main not in slurm("squeue", "-h", "-t", "pending,running", "-o", "%i").split(), 240)
    wait_for("good end", lambda: slurm("sacct", "-n", "-P", "-X", "-j", main, "--format=state") == "COMPLETED", 20)
    check(site, undisturbed, continued=1)
    assert neighbour in slurm("squeue", "-h", "-o", "%i").split()
