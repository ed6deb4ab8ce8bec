"""Images that are added to a folder after it was prepared are named, with the command that takes them up."""

import shutil
from pathlib import Path

import pytest

from tests.data.folders import write_folder
from tests.workflow.tree import NOTHING, Tree

pytestmark = pytest.mark.workflow

PHOTOS = """\
datasets:
  photos: {source: image_folder, folder: photos, image_size: 32, in_memory: false, train_images: null,
    mean: [0.5, 0.5, 0.5], std: [0.4, 0.4, 0.4]}
machine: {data_roots: {photos: photos}, workers: 0}
"""
MANIFEST = "results/data/photos.json"


def test_added_images_are_named_and_the_command_that_is_named_takes_them_up(tmp_path: Path) -> None:
    tree = Tree.of_project(tmp_path)
    write_folder(tree.root / "photos", scale=0.25)
    tree.write("photos.yaml", PHOTOS)

    def said(*arguments: str) -> str:
        done = tree.snakemake("photos.yaml", *arguments, "--", MANIFEST)
        assert done.returncode == 0, done.stdout
        return done.stdout

    first = said()
    assert "1 of 1 steps (100%) done" in first
    assert "warning: photos" not in first
    images = tree.root / "photos" / "train" / "digit 2"
    shutil.copy(images / "0002.jpg", images / "new.jpg")
    output = said()
    assert NOTHING in output
    assert f"warning: photos/train/digit 2 has changed from 5 to 6 files or folders since {MANIFEST} descr" in output
    assert f"call snakemake --force {MANIFEST} with" in output
    assert "1 of 1 steps (100%) done" in said("--force")
    assert '"digit 2": 6' in tree.read(MANIFEST)
