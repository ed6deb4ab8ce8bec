"""What a site lacks besides SLURM's own facts is said before any job."""

from pathlib import Path

import pytest

from pdarts.settings.config import Config
from pdarts.tools.cluster import site
from tests.configuration import CONFIG


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


def test_a_lock_that_is_left_is_said(tmp_path: Path) -> None:
    assert site.left_over(tmp_path) == []
    locks = tmp_path / ".snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.input.lock").touch()
    (finding,) = site.left_over(tmp_path)
    assert "snakemake --unlock, if none is" in finding.text
