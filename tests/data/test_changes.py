"""Images that are added to a folder after it was prepared, or taken away, are noticed, and nothing else is."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from pdarts.data import changes
from pdarts.data.folder import describe
from pdarts.settings.datasets import ImageFolder
from pdarts.settings.machine import Machine
from pdarts.workflow.folders import outdated
from tests.configuration import CONFIG
from tests.data.folders import image_folder, write_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of 4 classes that is prepared; one class has a folder in it."""
    root = tmp_path / "photos"
    write_folder(root, scale=0.25)
    (root / "train" / "digit 0" / "more").mkdir()
    (root / "train" / "digit 0" / "0000.jpg").rename(root / "train" / "digit 0" / "more" / "0000.jpg")
    describe(image_folder(32), root, 0)
    return root


def manifest_of(root: Path, path: Path, train_images: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(describe(image_folder(32, train_images), root, 0).model_dump_json())
    return path


def test_a_folder_as_it_was_is_unchanged(root: Path, tmp_path: Path) -> None:
    assert changes.since_indexed(root) is None
    assert changes.since_indexed(tmp_path / "none") is None


@pytest.mark.parametrize("place", ["train/digit 2", "val/digit 3", "train/digit 0/more"])
def test_added_and_missing_images_are_noticed_in_every_folder(root: Path, place: str) -> None:
    new = root / place / "new.jpg"
    shutil.copy(next((root / place).glob("*.jpg")), new)
    before = len(list((root / place).iterdir())) - 1
    assert changes.since_indexed(root) == f"{root / place} has changed from {before} to {before + 1} files or folders"
    new.unlink()
    assert changes.since_indexed(root) is None
    next((root / place).glob("*.jpg")).unlink()
    assert f"{root / place} has changed from {before} to {before - 1}" in str(changes.since_indexed(root))


def test_an_added_and_a_missing_class_are_noticed(root: Path) -> None:
    (root / "train" / "digit 4").mkdir()
    assert "train has changed from 4 to 5 files or folders" in str(changes.since_indexed(root))
    (root / "train" / "digit 4").rmdir()
    shutil.rmtree(root / "val" / "digit 1")
    assert "val has changed from 4 to 3" in str(changes.since_indexed(root))
    shutil.rmtree(root / "val")
    assert "val cannot be listed any more (No such file or directory)" in str(changes.since_indexed(root))


def test_preparing_again_takes_up_what_was_added(root: Path) -> None:
    shutil.copy(root / "train" / "digit 2" / "0002.jpg", root / "train" / "digit 2" / "new.jpg")
    assert changes.since_indexed(root)
    describe(image_folder(32), root, 0)
    assert changes.since_indexed(root) is None


def test_copies_of_a_folder_are_the_same_images(root: Path, tmp_path: Path) -> None:
    manifest = manifest_of(root, tmp_path / "data.json")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(root, elsewhere, copy_function=shutil.copy)  # with new times, as by cp -r
    for folder in (elsewhere / "train", elsewhere / "val", *elsewhere.rglob("digit*")):
        os.utime(folder)
    assert changes.since_indexed(elsewhere) is None
    assert changes.since_described(elsewhere, manifest) is None
    (elsewhere / "train" / ".DS_Store").touch()
    assert changes.since_indexed(elsewhere) is None
    links = tmp_path / "links"
    links.mkdir()
    for name in ("train", "val", "index"):
        (links / name).symlink_to(elsewhere / name)
    assert changes.since_indexed(links) is None


@pytest.mark.parametrize("content", ["", '{"train": [1764', "{}"])
def test_notes_that_are_cut_off_say_nothing(root: Path, content: str) -> None:
    (root / "index" / "folders.json").write_text(content)
    assert changes.since_indexed(root) is None


def test_slow_storage_delays_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "val" / "digit 3" / "new.jpg").touch()
    monkeypatch.setattr(changes, "SECONDS", 0)
    start = time.monotonic()
    assert changes.since_indexed(root) is None
    assert time.monotonic() - start < 0.5


@pytest.mark.parametrize("train_images", [None, 12])
def test_a_manifest_is_older_than_an_index_that_another_dataset_renewed(
    root: Path, tmp_path: Path, train_images: int | None
) -> None:
    manifest = manifest_of(root, tmp_path / "data.json", train_images)
    assert changes.since_described(root, manifest) is None
    shutil.copy(root / "train" / "digit 2" / "0002.jpg", root / "train" / "digit 2" / "new.jpg")
    describe(image_folder(64), root, 0)
    assert changes.since_indexed(root) is None
    assert changes.since_described(root, manifest) == f"{root / 'index' / 'train.jsonl'} was made anew"
    manifest_of(root, manifest, train_images)
    assert changes.since_described(root, manifest) is None
    manifest.write_text("{")
    assert changes.since_described(root, manifest) is None


def test_the_workflow_names_all_manifests_of_a_folder_and_the_command(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photos: dict[str, ImageFolder] = {name: image_folder(32) for name in ("small", "large", "never prepared")}
    config = CONFIG.model_copy(
        update={"datasets": CONFIG.datasets | photos, "machine": Machine(data_roots={"photos": str(root)})}
    )
    manifests = [f"results/data/{name}.json" for name in ("small", "large")]
    for path in manifests:
        manifest_of(root, Path(path))
    assert outdated(config) == []
    (root / "train" / "digit 4").mkdir()
    (sentence,) = outdated(config)
    assert f"since {', '.join(manifests)} described the images" in sentence
    assert f"call snakemake --force {' '.join(manifests)} with" in sentence
    assert json.loads((root / "index" / "folders.json").read_text())["train"][1] == 4
