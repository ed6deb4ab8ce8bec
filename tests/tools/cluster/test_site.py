"""What a site lacks besides SLURM's own facts is said before any job."""

import os
import shutil
from pathlib import Path

import pytest

from pdarts.settings.config import Config
from pdarts.tools.cluster import site
from pdarts.tools.cluster.slurm import Finding, requests
from pdarts.tools.workflow import Job
from tests.configuration import CONFIG
from tests.tools.cluster.test_slurm import PROFILE


def config(download: bool) -> Config:
    machine = CONFIG.machine.model_copy(update={"download": download})
    return CONFIG.model_copy(update={"machine": machine})


def test_data_that_nothing_can_bring_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    datasets = ["cifar10", "imagenet"]
    downloaded, missing = site.data(config(download=True), datasets)
    assert (downloaded.good, downloaded.text) == (True, "dataset cifar10: is downloaded first, here")
    assert (missing.good, missing.text) == (
        False,
        "dataset imagenet: there is no data/imagenet/train or data/imagenet/val; set machine.data_roots.imagenet",
    )
    assert [finding.good for finding in site.data(config(download=False), datasets)] == [False, False]
    for name in datasets:
        manifest = tmp_path / f"results/data/{name}.json"
        manifest.parent.mkdir(parents=True, exist_ok=True)
        manifest.touch()
    assert [finding.good for finding in site.data(config(download=False), datasets)] == [True, True]


def test_a_disk_without_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "FREE", 10**9)
    (finding,) = site.space(tmp_path)
    assert finding.good is False
    assert "free up to 1000000000 or more" in finding.text


def test_results_need_not_be_there_yet(tmp_path: Path) -> None:
    (finding,) = site.space(tmp_path / "results" / "mine")
    assert finding.text.startswith(f"{shutil.disk_usage(tmp_path).free / 1e9:,.0f} GB free in {tmp_path}/results/mine/")


def test_jobs_whose_comment_has_bars_are_left_over_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squeue = tmp_path / "squeue"
    squeue.write_text(f"#!/bin/sh\necho '7|{tmp_path}|rule_train|mine'\necho '8|/elsewhere|a|b|c'\n")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (finding,) = site.left_over(tmp_path)
    assert finding.text.endswith("scancel 7")


def test_a_lock_that_is_left_is_said(tmp_path: Path) -> None:
    assert site.locks(tmp_path) == []
    locks = tmp_path / ".snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.input.lock").touch()
    (finding,) = site.locks(tmp_path)
    assert "snakemake --unlock, if none is" in finding.text


def test_without_slurm_that_is_said_first_and_nothing_is_well_that_only_slurm_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    search = Job("search", "", {"output": ("results/search/digits/seed0/stage1.json",)}, pending=True)
    asked = requests([search], CONFIG, PROFILE)
    first, *others = [finding for check in site.checks(asked, [], CONFIG, PROFILE) for finding in check()]
    assert first.good is False
    assert first.text.startswith("there is no SLURM here (there is no command scontrol)")
    assert {finding.text.split(",")[0].split(" in ")[-1] for finding in others} == {
        "long steps save before their time limit",
        "results/",
    }
    asking = (site.preemption("gpu"), site.left_over(tmp_path), site.accounting({}, set()), site.submission(asked[0]))
    assert [finding.good for found in asking for finding in found] == [None, None, False, False]
    squeue: list[Finding] = site.accounting({"slurm-status-command": "squeue"}, set())
    assert [finding.good for finding in squeue] == [None]
