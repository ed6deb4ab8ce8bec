"""Where images are decoded too slowly for the device."""

from pathlib import Path
from typing import Any

from pdarts.tools.cost.calibration import Calibration
from pdarts.tools.cost.starvation import starving
from pdarts.tools.cost.work import Work, work_of
from pdarts.tools.workflow import Job, makers
from tests.configuration import CONFIG
from tests.tools.cost.examples import job, prepare_job


def training(folder: Path, pending: bool = True) -> Job:
    """A training on an image folder, with the recipe for ImageNet on one device."""
    recipe = CONFIG.recipes["imagenet"].model_copy(update={"processes": 2, "batch_size": 64})
    return job(
        "train", pending, data=f"{folder}/data/digits.json", genotype="pdarts/genotypes/PDARTS.json",
        settings=recipe.model_dump_json(), output=f"{folder}/weights.pt", experiment="flowers",
    )  # fmt: skip


def said(folder: Path, decoding: float, workers: int, measured_with: int = 2, **options: Any) -> list[str]:
    """The warning where a step takes 0.1 s and decoding so many seconds."""
    found = [prepare_job(folder), training(folder, **options)]
    work = work_of(found[1], makers(found))
    assert isinstance(work, Work)
    timings = {"train_step": {"median": 0.1}, "decoding": {"median": decoding, "workers": measured_with}}
    calibration = Calibration("GPU", "", {work.key: {"timings": timings}})
    return starving(found, makers(found), calibration, workers)


def test_the_plan_says_how_many_workers_keep_up(tmp_path: Path) -> None:
    # each of two processes decodes half of 64 images
    assert said(tmp_path, 0.8, workers=2)[-1] == (
        "  train flowers: with 2 workers, a process decodes 40 images a second, and its device takes 320. "
        "machine.workers: 16 would keep up, given cores for them"
    )


def test_nothing_is_said_where_decoding_keeps_up_or_nothing_is_pending_or_known(tmp_path: Path) -> None:
    assert said(tmp_path, 0.09, workers=2) == []
    assert said(tmp_path, 0.8, workers=16) == []
    assert said(tmp_path, 0.8, workers=2, pending=False) == []
    found = [prepare_job(tmp_path), training(tmp_path)]
    assert starving(found, makers(found), None, 2) == starving(found, makers(found), Calibration("", "", {}), 2) == []


def test_a_step_that_decodes_by_itself_waits_for_every_image(tmp_path: Path) -> None:
    assert "with 0 workers" in said(tmp_path, 0.05, workers=0, measured_with=0)[-1]
