"""Files with the same content in both splits, or in several classes, are counted and named."""

import shutil
from pathlib import Path

import pytest

from pdarts.data.folder import describe
from tests.data.folders import image_folder, write_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    write_folder(root, scale=0.25)
    return root


def said(root: Path, capsys: pytest.CaptureFixture[str], train_images: int | None = None) -> list[str]:
    """Warnings while a folder is prepared."""
    capsys.readouterr()
    describe(image_folder(32, train_images), root, 0)
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]


def test_different_images_are_not_warned_of(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(root, capsys) == []


def test_training_images_in_val_are_counted(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (0, 4):
        shutil.copy(root / "train" / "digit 0" / f"{number:04}.jpg", root / "val" / "digit 0" / f"seen {number}.jpg")
    (line,) = said(root, capsys)
    assert "photos: images in val that are the same files as images in train: 2 of 10" in line
    assert "digit 0/seen 0.jpg = digit 0/0000.jpg" in line
    assert "digit 0/seen 4.jpg = digit 0/0004.jpg" in line


def test_training_images_that_are_not_used_do_not_count(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (root / "train").rglob("*.jpg"):
        shutil.copy(path, root / "val" / path.parent.name / f"seen {path.name}")
    assert "train: 20 of 28" in said(root, capsys)[0]
    (line,) = (line for line in said(root, capsys, train_images=12) if "images in val" in line)
    assert "train: 12 of 28" in line


def test_copies_among_training_images_are_counted_with_those_of_another_class(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(root / "train" / "digit 0" / "0000.jpg", root / "train" / "digit 0" / "again.jpg")
    (line,) = said(root, capsys)
    assert "same files as others there: 1 of 21, 0 of these with another class (" in line
    shutil.copy(root / "train" / "digit 1" / "0001.jpg", root / "train" / "digit 3" / "wrong.jpg")
    (line,) = said(root, capsys)
    assert "same files as others there: 2 of 22, 1 of these with another class (" in line
    assert "digit 3/wrong.jpg" in line
    assert "digit 1/0001.jpg" in line
