"""W&B mirrors a step where it works, and never stands in its way."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from pdarts.engine.tracking import Tracker
from pdarts.settings import Wandb


def track(settings: Wandb) -> None:
    """What a step does with its run."""
    tracker = Tracker(settings, "search", "digits", "digits seed 0 stage 1", {"seed": 0, "cells": 5})
    tracker.log({"train_loss": 2.3, "valid_loss": None}, step=1)
    tracker.log({"train_loss": 2.1, "valid_loss": 2.2}, step=2)
    tracker.summary({"genotype": {"normal": [["skip_connect", 0]]}})
    tracker.finish()


def test_offline_writes_a_run_that_can_be_sent_later(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    track(Wandb(mode="offline", directory=str(tmp_path / "new")))
    (run,) = (tmp_path / "new" / "wandb").glob("offline-run-*/run-*.wandb")
    content = run.read_bytes()
    for part in (b"digits seed 0 stage 1", b"train_loss", b"valid_loss", b"skip_connect", b"pdarts"):
        assert part in content
    assert "W&B is off" not in capfd.readouterr().err


def test_a_step_that_runs_again_continues_its_run(tmp_path: Path) -> None:
    for folder in ("first", "again"):
        track(Wandb(mode="offline", directory=str(tmp_path / folder)))
    runs = list(tmp_path.glob("*/wandb/offline-run-*/run-*.wandb"))
    assert len(runs) == 2
    assert len({run.name for run in runs}) == 1


def test_a_rehearsal_has_a_tag_and_a_key_in_the_config(tmp_path: Path) -> None:
    mentioned = []
    for rehearsal in (False, True):
        settings = Wandb(mode="offline", directory=str(tmp_path / f"{rehearsal:d}"))
        tracker = Tracker(settings, "train", "digits", f"digits seed {5 + rehearsal}", {}, rehearsal)
        tracker.log({"train_loss": 2.0}, step=1)
        tracker.finish()
        (run,) = tmp_path.glob(f"{rehearsal:d}/wandb/offline-run-*/run-*.wandb")
        mentioned.append(run.read_bytes().count(b"rehearsal"))  # the path of the test counts in both
    assert mentioned[1] >= mentioned[0] + 2


def test_disabled_writes_nothing(tmp_path: Path) -> None:
    track(Wandb(mode="disabled", directory=str(tmp_path / "new")))
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_said_and_borne(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    track(Wandb(mode="offline", directory=str(tmp_path / "file" / "folder")))
    assert "W&B is off for the rest of this step (NotADirectoryError" in capfd.readouterr().err
    assert (tmp_path / "file").is_file()


def test_a_picture_is_part_of_the_run(tmp_path: Path) -> None:
    tracker = Tracker(Wandb(mode="offline", directory=str(tmp_path)), "derive", "digits", "digits seed 0 genotype", {})
    tracker.image("cells", lambda path: Figure().savefig(path))
    tracker.finish()
    (picture,) = (tmp_path / "wandb").glob("offline-run-*/files/media/images/cells_*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_no_picture_is_drawn_for_nobody() -> None:
    drawn: list[Path] = []
    Tracker(Wandb(mode="disabled"), "derive", "digits", "digits seed 0 genotype", {}).image("cells", drawn.append)
    assert drawn == []


def test_a_picture_that_cannot_be_drawn_is_said_and_borne(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tracker = Tracker(Wandb(mode="offline", directory=str(tmp_path)), "train", "digits", "digits seed 0", {})
    tracker.image("cells", lambda path: (tmp_path / "missing.png").rename(path))
    tracker.log({"train_loss": 2.0}, step=1)
    tracker.finish()
    assert capfd.readouterr().err.count("W&B is off for the rest of this step") == 1
