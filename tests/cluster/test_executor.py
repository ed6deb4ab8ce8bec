"""The workflow on a real SLURM, with the project's own profile."""

import os
import re
import subprocess
import time

import pytest

from tests.cluster.site import FOLDER, GENOTYPE, PROFILE, Site, slurm, wait_for

pytestmark = pytest.mark.cluster

STEPS = {"prepare": "cpu", "search": "gpu", "derive": "cpu", "train": "gpu", "test": "gpu"}
"""Partition of each step of the small DAG."""


def test_the_whole_chain_runs_as_jobs_that_stay_within_what_they_ask_for(undisturbed: Site) -> None:
    columns = "--format=jobid,comment,partition,state,reqtres,maxrss,reqmem"
    lines = [line.split("|") for line in slurm("sacct", "-n", "-P", "--units=M", columns).splitlines()]
    jobs = {line[1].split("_")[1]: line for line in lines if line[1]}
    assert {step: line[2] for step, line in jobs.items()} == STEPS
    for step, (number, _, partition, state, asked, _, memory) in jobs.items():
        assert state == "COMPLETED"
        assert ("gres/gpu=1" in asked) == (partition == "gpu")
        used = sum(float(line[5].rstrip("M")) for line in lines if line[0].startswith(f"{number}.") and line[5])
        print(f"{step}: {used:.0f} MB of {memory} used")
        assert 100 < used < 0.9 * float(memory.rstrip("M")), step  # Snakemake itself is two processes of 100 MB
    assert "Digits on a cluster" in undisturbed.read("results/tables/tiny.md")


def test_seeds_run_as_a_job_array_two_at_once_where_there_are_two_gpus(accounting: None, site: Site) -> None:
    weights = [f"results/train/seeds/seed{seed}/weights.pt" for seed in range(3)]
    process = site.start("--slurm-array-jobs", "train", "--", *weights)

    def two_running() -> bool:
        jobs = sorted(slurm("squeue", "-h", "-r", "-o", "%F %T %r").splitlines())
        number = jobs[0].split()[0] if jobs else ""
        return jobs == [f"{number} PENDING Resources", *[f"{number} RUNNING None"] * 2]

    wait_for("two jobs at once, and a third waiting", two_running, process=process)

    refused = site.start("--", *weights)
    assert refused.wait() != 0
    assert "Directory cannot be locked" in refused.said()
    assert "--unlock" in refused.said()

    assert process.wait() == 0, process.said()
    assert all((site.root / path).exists() for path in weights)


def test_an_account_that_does_not_exist_ends_in_a_clear_message(accounting: None, site: Site) -> None:
    site.edit(PROFILE, "slurm_account: lab", "slurm_account: labb")
    process = site.start("--retries", "0", "--", GENOTYPE)
    assert process.wait() != 0
    assert re.search(r"The given account labb appears to be invalid. Available accounts:\n.*\blab\b", process.said())


def test_gpus_that_do_not_exist_end_in_a_clear_message(accounting: None, site: Site) -> None:
    site.edit(PROFILE, "    # gpu_model: a100", "    gpu_model: a100")
    process = site.start("--retries", "0", "--", GENOTYPE)
    assert process.wait() != 0
    assert "Requested node configuration is not available" in process.said()
    assert "--gpus=a100:1" in process.said()


@pytest.mark.long
def test_gres_instead_of_gpus_works(accounting: None, site: Site) -> None:
    site.edit(PROFILE, """    # gres: "'gpu:1'"\n    # gpu: 0""", """    gres: "'gpu:1'"\n    gpu: 0""")
    site.finish("--", GENOTYPE)
    asked = slurm("sacct", "-n", "-P", "-X", "--format=comment,alloctres").splitlines()
    assert [line for line in asked if line.startswith("rule_search")][-1].count("gres/gpu=1") == 1


@pytest.mark.long
def test_steps_share_gpus_where_these_are_cut_into_shards(accounting: None, site: Site) -> None:
    site.edit(PROFILE, """    # gres: "'shard:1'"\n    # gpu: 0""", """    gres: "'shard:1'"\n    gpu: 0""")
    weights = [f"results/train/seeds/seed{seed}/weights.pt" for seed in range(3)]
    process = site.start("--", *weights)
    running = ("squeue", "-h", "-t", "running", "-o", "%N")
    wait_for("three jobs on two GPUs", lambda: slurm(*running).split() == ["gpu1"] * 3, process=process)
    assert process.wait() == 0, process.said()
    asked = slurm("sacct", "-n", "-P", "-X", "--format=comment,alloctres").splitlines()
    assert [line.count("gres/shard=1") for line in asked if line.startswith("rule_train")][-3:] == [1] * 3


def test_accounting_may_be_away_for_half_a_minute(accounting: None, site: Site, undisturbed: Site) -> None:
    process = site.start("--", GENOTYPE)
    wait_for("running job", site.job, process=process)
    daemon = (FOLDER / "pid/slurmdbd").read_text().strip()
    subprocess.run(["kill", daemon], check=True)
    time.sleep(30)
    subprocess.run(["slurmdbd"], env={**os.environ, "SLURM_CONF": str(FOLDER / "etc/slurm.conf")}, check=True)
    assert process.wait() == 0, process.said()
    assert site.read(GENOTYPE) == undisturbed.read(GENOTYPE)
