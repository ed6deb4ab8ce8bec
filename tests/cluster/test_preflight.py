"""What is wrong with a site's facts is said in seconds, before any job."""

import re
import time

import pytest

from tests.cluster.site import CONFIG, PROFILE, TEST, Site

pytestmark = pytest.mark.cluster


def preflight(site: Site) -> tuple[int, str]:
    done = site.python("-m", "pdarts.tools.preflight", "--target", TEST, "--configfile", CONFIG)
    return done.returncode, done.stdout


def test_a_site_that_is_well_described_passes(accounting: None, site: Site) -> None:
    started = time.monotonic()
    code, said = preflight(site)
    print(f"preflight: {time.monotonic() - started:.0f} s\n{said}")
    assert code == 0
    labels = [line.split()[0] for line in said.splitlines()]
    assert set(labels) == {"ok"}
    for text in ("sacct answers", "account lab", "search on tiny: --account=lab --partition=gpu", "starts torch in"):
        assert text in said
    assert said.count("a node of partition") == 2


def test_everything_that_is_wrong_is_said_at_once(accounting: None, site: Site) -> None:
    site.edit(PROFILE, "slurm_partition: gpu", "slurm_partition: gpu-cancel")
    site.edit(PROFILE, "slurm_account: lab", "slurm_account: labb")
    site.edit(PROFILE, "# gpu_model: a100", "gpu_model: a100")
    site.edit(PROFILE, "# runtime: 1440", "runtime: 2m")
    site.edit(PROFILE, "retries: 5", "retries: 1")
    code, said = preflight(site)
    assert code == 1
    problems = re.findall(r"^PROBLEM  (.*)", said, re.MULTILINE)
    for text in (
        "slurm_account is 'labb'; you may charge lab, root",
        "partition gpu-cancel preempts by CANCEL after 0 s",
        "--gpus=a100:1 --signal=TERM@120 --open-mode=append is refused: allocation failure: Invalid account",
        "search on tiny asks for 10 minutes in jobs of 2: 5 of them in a row, but retries is 1; set retries: 4 or more",
    ):
        assert [problem for problem in problems if text in problem], f"{text}:\n{said}"


def test_a_second_attempt_that_no_node_could_hold_is_said(accounting: None, site: Site) -> None:
    site.edit(CONFIG, "train: {gpus: 1, memory: 3000", "train: {gpus: 1, memory: 40000")  # a node has 64000
    code, said = preflight(site)
    assert code == 1
    (problem,) = re.findall(r"^PROBLEM  (.*)", said, re.MULTILINE)
    assert problem.startswith("train on tiny, attempt 2: --account=lab --partition=gpu --time=10 --mem=80000")
    assert "is refused" in problem
    assert "1 problem to mend first" in said
