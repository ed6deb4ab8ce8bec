"""An image folder is verified once, by name and to the last file, and told from any other by its index."""

import hashlib
import json
import os
import shutil
import threading
from pathlib import Path

import pytest
import torch
from PIL import Image

from pdarts.data import index, local_copy
from pdarts.data.batches import batches_of
from pdarts.data.batching import Batching
from pdarts.data.decoding import decode
from pdarts.data.division import Division, divided
from pdarts.data.folder import describe
from pdarts.data.index import Entry, Index
from pdarts.data.manifest import FolderManifest, read
from pdarts.errors import InputError
from pdarts.settings.machine import Machine
from tests.data.folders import image_folder, write_folder

CPU = torch.device("cpu")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of 20 training and 8 validation images of 4 classes, about 60 pixels large."""
    root = tmp_path / "photos"
    write_folder(root, scale=0.25)
    return root


def prepared(root: Path, train_images: int | None = None, workers: int = 0) -> FolderManifest:
    return describe(image_folder(32, train_images), root, workers)


def entries(of: Index) -> list[Entry]:
    return [of[number] for number in range(len(of))]


def photos(root: Path, split: str) -> list[Path]:
    return sorted((root / split).rglob("*.jpg"))


def test_a_manifest_counts_the_images_of_every_class(root: Path) -> None:
    manifest = prepared(root)
    assert manifest.classes == ("digit 0", "digit 1", "digit 2", "digit 3")
    assert manifest.splits.train.images == 20
    assert list(manifest.splits.train.per_class.values()) == [5, 5, 5, 5]
    assert list(manifest.splits.test.per_class.values()) == [2, 2, 2, 2]


def test_the_index_holds_path_label_size_and_content_of_every_image(root: Path) -> None:
    manifest = prepared(root)
    for split, folder in (("train", "train"), ("test", "val")):
        found = entries(index.read(manifest, root, split))
        assert sorted(entry.path for entry in found) == [
            path.relative_to(root / folder).as_posix() for path in photos(root, folder)
        ]
        for entry in found:
            path = root / folder / entry.path
            assert entry.label == manifest.classes.index(path.parent.name)
            with Image.open(path) as image:
                assert image.size == (entry.width, entry.height)
            assert entry.size == path.stat().st_size
            assert entry.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_manifest_does_not_say_where_the_folder_lies(root: Path, tmp_path: Path) -> None:
    here = prepared(root)
    write_folder(tmp_path / "elsewhere", scale=0.25)
    assert prepared(tmp_path / "elsewhere") == here
    assert str(tmp_path) not in here.model_dump_json()


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_processes_finds_the_same(root: Path, tmp_path: Path, workers: int) -> None:
    write_folder(tmp_path / "elsewhere", scale=0.25)
    assert prepared(tmp_path / "elsewhere", workers=workers) == prepared(root)


def test_a_manifest_survives_its_file(root: Path, tmp_path: Path) -> None:
    manifest = prepared(root)
    path = tmp_path / "photos.json"
    path.write_text(json.dumps(manifest.model_dump(mode="json")))
    assert read(path) == manifest


def test_every_part_of_the_index_has_its_share_of_every_class(root: Path) -> None:
    write_folder(root, train=40, scale=0.25)
    images = index.read(prepared(root), root, "train")
    for half in divided(images, Division(0.5)):
        assert torch.bincount(torch.tensor([entry.label for entry in entries(half)])).tolist() == [5, 5, 5, 5]
    assert [entry.path for entry in entries(images)] != sorted(entry.path for entry in entries(images))


def test_parts_of_the_index_are_its_lines(root: Path) -> None:
    images = index.read(prepared(root), root, "train")
    every = entries(images)
    assert entries(images.part(3, 11)) == every[3:11]
    assert entries(images.part(3, 20).part(2, 5)) == every[5:8]
    assert len(images.part(4, 4)) == 0


def test_the_first_images_alone_are_described_where_a_limit_is_set(root: Path) -> None:
    every, some = prepared(root), prepared(root, train_images=12)
    assert some.splits.train.images == 12
    assert list(some.splits.train.per_class.values()) == [3, 3, 3, 3]
    assert some.splits.train.digest != every.splits.train.digest
    assert some.splits.test == every.splits.test
    assert entries(index.read(some, root, "train")) == entries(index.read(every, root, "train"))[:12]
    with pytest.raises(InputError, match=r"train_images is 21, but photos has 20 training images; allowed: 1 to 20"):
        prepared(root, train_images=21)


def test_files_that_are_no_whole_images_are_named_and_counted(root: Path) -> None:
    cut, text, empty, deep = (photos(root, "train")[number] for number in (0, 4, 9, 14))
    cut.write_bytes(cut.read_bytes()[:400])
    text.write_text("not a picture")
    empty.write_bytes(b"")
    Image.new("I;16", (30, 30)).save(deep.with_suffix(".png"))
    (root / "val" / "notes.txt").write_text("in no class")
    with pytest.raises(InputError) as caught:
        prepared(root, workers=2)
    message = str(caught.value)
    assert message.startswith("photos: 5 files cannot be used")
    assert f"{text}: is not an image that Pillow knows" in message
    assert f"{empty}: is empty" in message
    assert f"{cut}: " in message
    assert f"{deep.with_suffix('.png')}: pixels of mode I;16 have more than 8 bits" in message
    assert f"{root / 'val' / 'notes.txt'}: lies outside the folders of the classes" in message
    assert len((root / "index" / "problems.txt").read_text().splitlines()) == 5
    assert not (root / "index" / "train.jsonl").exists()


def test_a_long_list_of_problems_is_cut_in_the_message_and_whole_in_the_file(root: Path) -> None:
    for number in range(30):
        (root / "train" / "digit 0" / f"broken {number:02}.jpg").write_text("no")
    with pytest.raises(InputError, match=r"30 files cannot be used.*problems.txt lists all") as caught:
        prepared(root)
    assert str(caught.value).count("is not an image that Pillow knows") == 20
    assert "… and 10 more" in str(caught.value)
    assert len((root / "index" / "problems.txt").read_text().splitlines()) == 30


def test_once_problems_are_gone_their_list_is_too(root: Path) -> None:
    broken = root / "train" / "digit 0" / "broken.jpg"
    broken.write_text("no")
    with pytest.raises(InputError):
        prepared(root)
    broken.unlink()
    assert prepared(root).splits.train.images == 20
    assert not (root / "index" / "problems.txt").exists()


def test_hidden_files_are_no_images(root: Path) -> None:
    (root / "train" / ".DS_Store").write_text("")
    (root / "train" / "digit 0" / ".thumbnail.jpg").write_text("")
    assert prepared(root).splits.train.images == 20


def test_verification_goes_on_where_it_was_broken_off(root: Path, tmp_path: Path) -> None:
    write_folder(tmp_path / "elsewhere", scale=0.25)
    expected = prepared(tmp_path / "elsewhere")
    prepared(root)
    log = root / "index" / "verified-train.jsonl"
    noted = [line for line in log.read_text().splitlines() if line]
    assert len(noted) == 20
    log.write_text("\n".join(noted[:12]) + "\n" + noted[12][:30])  # killed in the middle of a line
    (root / "index" / "train.jsonl").unlink()
    assert prepared(root) == expected
    again = [line for line in log.read_text().splitlines() if line]
    assert again[:12] == noted[:12]
    assert sorted(again[13:]) == sorted(noted[12:])  # 8 images were decoded anew


def test_only_images_that_were_added_or_written_since_are_decoded_again(root: Path) -> None:
    before = prepared(root)
    log = root / "index" / "verified-train.jsonl"
    lines = len(log.read_text().splitlines())
    changed, _ = photos(root, "train")[:2]
    Image.new("RGB", (40, 40)).save(changed)
    Image.new("RGB", (50, 50)).save(changed.with_name("new.png"))
    after = prepared(root)
    added = [json.loads(line)[0] for line in log.read_text().splitlines()[lines:] if line]
    assert added == [f"digit 0/{changed.name}", "digit 0/new.png"]
    assert after.splits.train.images == before.splits.train.images + 1
    assert after.splits.train.digest != before.splits.train.digest
    assert after.splits.test == before.splits.test


def test_an_index_that_the_manifest_does_not_describe_is_refused(root: Path) -> None:
    manifest = prepared(root)
    photos(root, "train")[0].unlink()
    prepared(root)
    with pytest.raises(
        InputError, match=r"photos: the train images in .* are not those of the manifest .*prepare again"
    ):
        index.read(manifest, root, "train")
    assert len(index.read(manifest, root, "test")) == 8


def test_a_missing_index_says_what_to_do(root: Path, tmp_path: Path) -> None:
    manifest = prepared(root)
    with pytest.raises(InputError, match=r"train.jsonl is not there; .* set machine.data_roots.photos .*prepare again"):
        index.read(manifest, tmp_path, "train")


def test_missing_folders_say_how_images_should_lie(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(InputError, match=r"val is not there; .*train/CLASS/ .*machine.data_roots.photos"):
        prepared(tmp_path)
    (tmp_path / "val").mkdir()
    with pytest.raises(InputError, match=r"there are no images in .*train/CLASS/"):
        prepared(tmp_path)


def test_classes_of_one_split_only_are_named(root: Path) -> None:
    (root / "val" / "digit 3").rename(root / "val" / "digit three")
    with pytest.raises(InputError, match=r"1 of the classes in .*train have no images in .*val \(digit 3\)"):
        prepared(root)


def test_a_folder_that_cannot_hold_the_index_is_named(root: Path) -> None:
    (root / "index").write_text("a file in the way")
    with pytest.raises(InputError, match=r"index cannot be written .*links to its train and val, .*data_roots.photos"):
        prepared(root)


def test_links_to_folders_elsewhere_serve_as_well(root: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for split in ("train", "val"):
        (own / split).symlink_to(root / split)
    assert prepared(own) == prepared(root)


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK", "YCbCr"])
def test_images_of_every_kind_become_red_green_and_blue(mode: str, tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 6), (255, 255, 255)).convert(mode)
    path = tmp_path / ("image.jpg" if mode in ("CMYK", "YCbCr") else "image.png")
    image.save(path)
    decoded = decode(path.read_bytes())
    assert decoded.mode == "RGB"
    assert decoded.size == (8, 6)
    assert all(level >= 254 for level in decoded.getpixel((4, 3)))


def test_a_local_copy_holds_the_same_images(root: Path, tmp_path: Path) -> None:
    manifest = prepared(root)
    machine = Machine(data_roots={"photos": str(root)}, workers=0)
    local = machine.model_copy(update={"local_copy": str(tmp_path / "local")})
    for split in ("train", "test"):
        both = (batches_of(manifest, split, where, Batching(6, None, CPU)) for where in (machine, local))
        here, there = (list(batches.in_order()) for batches in both)
        assert all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in zip(here, there, strict=True))
    assert len(photos(tmp_path / "local" / "photos", "train")) == 20


def test_a_local_copy_is_made_once_and_mended_where_it_differs(root: Path, tmp_path: Path) -> None:
    images = index.read(prepared(root), root, "train")
    target = tmp_path / "local" / "train"
    (copy,) = local_copy.copied([images], target, 2)
    paths = [target / entry.path for entry in entries(copy)]
    times = [path.stat().st_mtime_ns for path in paths]
    next(target.parent.glob("*.complete")).unlink()
    paths[3].write_bytes(paths[3].read_bytes()[:-1] + b"?")
    paths[5].unlink()
    local_copy.copied([images], target, 2)
    changed = [number for number, path in enumerate(paths) if path.stat().st_mtime_ns != times[number]]
    assert changed == [3, 5]
    assert all(path.read_bytes() == (root / "train" / path.relative_to(target)).read_bytes() for path in paths)


def test_of_several_processes_on_a_node_one_copies(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = index.read(prepared(root), root, "train")
    target = tmp_path / "local" / "train"
    threads = [threading.Thread(target=local_copy.copied, args=([images], target, 1)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(target.rglob("*.jpg"))) == 20
    assert capsys.readouterr().err.count("20 of 20 images copied") == 1
    assert len(list(target.parent.glob("*.complete"))) == 1


def test_a_local_copy_refuses_images_that_were_not_verified(root: Path, tmp_path: Path) -> None:
    images = index.read(prepared(root), root, "train")
    path = root / "train" / images[7].path
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="is not the file that was verified") as caught:
        local_copy.copied([images], tmp_path / "local" / "train", 2)
    assert str(path) in str(caught.value)
    assert not list((tmp_path / "local").glob("*.complete"))


def test_a_disk_too_small_for_both_parts_is_refused_before_any_image_is_copied(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = index.read(prepared(root), root, "train")
    parts = divided(images, Division(0.5))
    whole = sum(entry.size for entry in entries(images))
    usage = shutil.disk_usage(tmp_path)._replace(free=whole - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(InputError, match="free space, name another disk, or set it to null"):
        local_copy.copied(parts, tmp_path / "local" / "train", 2)
    assert not list((tmp_path / "local").rglob("*.jpg"))
    local_copy.copied(parts[:1], tmp_path / "local" / "train", 2)


def test_a_local_copy_may_be_named_by_the_nodes_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NODE_DISK", str(tmp_path))
    assert local_copy.folder("$NODE_DISK/images") == tmp_path / "images"
    monkeypatch.delenv("NODE_DISK")
    with pytest.raises(InputError, match=r"machine.local_copy is '\$NODE_DISK/images', which names an environment var"):
        local_copy.folder("$NODE_DISK/images")


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_finished_index_serves_where_it_cannot_be_written(root: Path) -> None:
    expected = prepared(root)
    (root / "index").chmod(0o500)
    try:
        assert prepared(root) == expected
    finally:
        (root / "index").chmod(0o700)
