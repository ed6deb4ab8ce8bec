"""Images that do not lie in a folder for each class are told from those that do, and what lies there is named."""

import os
import re
import shutil
import unicodedata
from pathlib import Path

import pytest
import torch

from pdarts.data import manifest
from pdarts.data.batches import batches_of
from pdarts.data.batching import Batching
from pdarts.data.folder import describe
from pdarts.data.layout import OTHER_NAMES
from pdarts.data.manifest import FolderManifest
from pdarts.errors import InputError
from pdarts.settings.machine import Machine
from tests.data.folders import image_folder, write_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of 20 training and 8 validation images of 4 classes, about 60 pixels large."""
    root = tmp_path / "photos"
    write_folder(root, scale=0.25)
    return root


def prepared(root: Path) -> FolderManifest:
    return describe(image_folder(32), root, 0)


def message(root: Path) -> str:
    """What is said of a folder that is refused: one line."""
    with pytest.raises(InputError) as caught:
        prepared(root)
    text = str(caught.value)
    assert "\n" not in text
    return text


def move_down(folder: Path, level: str) -> None:
    """Move all that is in a folder to the folder `level` in it."""
    shutil.move(folder, aside := folder.with_name("aside"))
    (folder / level).parent.mkdir(parents=True)
    aside.rename(folder / level)


@pytest.mark.parametrize("level", ["images", "photos/small"])
@pytest.mark.parametrize("splits", [("train", "val"), ("train",), ("val",)])
def test_a_level_too_many_is_named(root: Path, splits: tuple[str, ...], level: str) -> None:
    for split in splits:
        move_down(root / split, level)
    said = message(root)
    first = level.partition("/")[0]
    assert f"all images in {root / splits[0]} lie in one folder, {first}, which would be the only class" in said
    assert f"a level deeper, in {root / splits[0] / level} (digit 0, digit 1, digit 2, digit 3)" in said


def test_a_single_class_is_refused(root: Path) -> None:
    for split in ("train", "val"):
        for number in (1, 2, 3):
            shutil.rmtree(root / split / f"digit {number}")
    assert "no images in" in message(root)
    assert "train/CLASS/ but those of digit 0; put them there, in a folder for each class" in message(root)


def test_images_in_no_folder_are_counted(root: Path) -> None:
    for number, path in enumerate((root / "val").rglob("*.jpg")):
        path.rename(root / "val" / f"{number}.jpg")
    for folder in (root / "val").glob("digit *"):
        folder.rmdir()
    assert re.search(r"4 of the classes .* \(digit 0, .*\), where files lie outside of any folder, 8 in", message(root))
    shutil.rmtree(root / "train")
    shutil.copytree(root / "val", root / "train")
    assert "CLASS/, where files lie outside of any folder, 8 in number; put them there" in message(root)


@pytest.mark.parametrize(
    ("name", "other"),
    [(name, form) for name, others in OTHER_NAMES.items() for other in others for form in (other, other.title())],
)
def test_another_name_of_a_split_is_recognized(root: Path, name: str, other: str) -> None:
    if name == other:
        return
    (root / name).rename(root / other)
    assert f"{root / name} is not there, but {root / other} is: rename it to {name}" in message(root)


def test_a_folder_around_the_right_one_is_recognized(root: Path) -> None:
    said = message(root.parent)
    assert (
        f"{root.parent / 'train'} is not there, but {root / 'train'} is: name {root} in place of {root.parent}" in said
    )


def test_what_is_there_instead_is_named(root: Path, tmp_path: Path) -> None:
    assert "is not there; " in message(root / "train")
    assert f"{root / 'train'} has digit 0, digit 1, digit 2, digit 3;" in message(root / "train")
    assert f", nor is {tmp_path / 'none'};" in message(tmp_path / "none")
    shutil.move(root / "val", root / "train" / "val")
    assert f"{root / 'val'} is not there; {root} has train;" in message(root)
    (root / "val").symlink_to("val")
    assert f"{root / 'val'} is not a folder; images lie in" in message(root)
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path / 'empty'} has nothing in it;" in message(tmp_path / "empty")


def test_classes_of_each_split_alone_are_named_side_by_side(root: Path) -> None:
    (root / "val" / "digit 3").rename(root / "val" / "three")
    assert "(digit 3), which has three instead;" in message(root)


def test_letters_that_look_alike_are_told_apart(root: Path) -> None:
    for split, form in (("train", "NFC"), ("val", "NFD")):
        (root / split / "digit 3").rename(root / split / unicodedata.normalize(form, "drei-Ä"))
    assert "(the same letters, composed of other Unicode characters)" in message(root)


def test_classes_made_of_folders_and_empty_folders_are_warned_of(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "val"):
        (root / split / "odd").mkdir()
        for number in (1, 3):
            (root / split / f"digit {number}").rename(root / split / "odd" / f"digit {number}")
        (root / split / "none").mkdir()
    assert prepared(root).classes == ("digit 0", "digit 2", "odd")
    said = capsys.readouterr().err
    assert f"warning: photos: {root / 'train'} has folders without images, which are not classes: none\n" in said
    assert f"warning: photos: {root / 'val'} has classes that are divided into folders: odd (digit 1, digit 3);" in said


def test_images_of_a_class_may_lie_in_a_folder_in_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split in ("train", "val"):
        for number in range(4):
            move_down(root / split / f"digit {number}", "images")
    assert len(prepared(root).classes) == 4
    assert "warning" not in capsys.readouterr().err


def test_a_link_that_leads_back_is_named_once_among_other_problems(root: Path) -> None:
    (root / "train" / "digit 1" / "all").symlink_to(root / "train")
    (root / "val" / "digit 1" / "everything").symlink_to("/")
    (root / "val" / "digit 2" / "self").symlink_to(".")
    (root / "val" / "digit 3" / "a").symlink_to("b")
    (root / "val" / "digit 3" / "b").symlink_to("a")
    (root / "val" / "digit 0" / "gone.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(root / "val" / "digit 0" / "pipe")
    broken = root / "train" / "digit 0" / "broken.jpg"
    broken.write_text("no picture")
    with pytest.raises(InputError) as caught:
        prepared(root)
    first, *lines = str(caught.value).splitlines()
    assert "8 files cannot be used" in first
    assert [line.partition(":")[0].strip() for line in lines] == sorted(
        str(root / path)
        for path in (
            *("train/digit 0/broken.jpg", "train/digit 1/all", "val/digit 0/gone.jpg", "val/digit 0/pipe"),
            *("val/digit 1/everything", "val/digit 2/self", "val/digit 3/a", "val/digit 3/b"),
        )
    )
    assert sum("leads back to a folder that it lies in" in line for line in lines) == 3


def test_a_class_that_is_a_broken_link_is_named(root: Path) -> None:
    shutil.rmtree(root / "train" / "digit 0")
    (root / "train" / "digit 0").symlink_to(root / "moved away")
    assert f"{root / 'train' / 'digit 0'}: is a link that leads nowhere" in message(root)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can list everything")
def test_a_folder_that_cannot_be_listed_is_no_empty_one(root: Path) -> None:
    (root / "train" / "digit 0").chmod(0)
    try:
        assert f"{root / 'train' / 'digit 0'}: this folder cannot be listed (Permission denied)" in message(root)
    finally:
        (root / "train" / "digit 0").chmod(0o700)


def test_a_class_whose_name_is_not_utf_8_is_refused_and_a_file_is_not(root: Path, tmp_path: Path) -> None:
    latin = os.fsdecode("é".encode("latin-1"))
    (root / "train" / "digit 0" / "0000.jpg").rename(root / "train" / "digit 0" / f"{latin}.jpg")
    machine = Machine(data_roots={"photos": str(root)}, workers=1, local_copy=str(tmp_path / "copy"))
    batches = batches_of(prepared(root), "train", machine, Batching(20, None, torch.device("cpu")))
    assert [len(labels) for _, labels in batches.in_order()] == [20]
    (root / "train" / "digit 0" / f"broken-{latin}.jpg").write_text("no picture")
    with pytest.raises(InputError, match="1 file cannot be used"):
        prepared(root)
    for split in ("train", "val"):
        (root / split / "digit 3").rename(root / split / f"caf{latin}")
    assert rf"the class b'caf\xe9' in {root / 'train'} has a name that is not UTF-8" in message(root)


def test_too_few_training_images_for_two_classes_are_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described = [describe(image_folder(32, number), root, 0) for number in (1, 2, 4)]
    with pytest.raises(
        InputError, match=r"photos: classes with train images: 1 of 4 \(train_images is 1\); .* allowed"
    ):
        manifest.check_classes(described[0])
    manifest.check_classes(described[1])
    said = capsys.readouterr().err
    assert "classes with train images: 2 of 4 (train_images is 2); without any: digit" in said
    manifest.check_classes(described[2])
    assert not capsys.readouterr().err
