"""Image folders that are kept in memory: decoded once, changed as tensors, refused where memory is too small."""

import math
from pathlib import Path

import pytest
import torch
from PIL import Image
from torchvision.transforms.v2.functional import pil_to_tensor

from pdarts import memory
from pdarts.data import in_memory, index
from pdarts.data.batches import batches_of, batches_of_parts
from pdarts.data.batching import Batching
from pdarts.data.division import Division
from pdarts.data.folder import describe
from pdarts.data.index import Index
from pdarts.data.loaders import Loader
from pdarts.data.manifest import FolderManifest
from pdarts.data.split import Split
from pdarts.data.stream_transforms import centre_view
from pdarts.errors import InputError
from pdarts.settings.augmentation import Augmentation
from pdarts.settings.machine import Machine
from tests.data.folders import CHANGES, image_folder, write_folder

CPU = torch.device("cpu")
CHANGED = Augmentation(crop_padding=4, flip=True, cutout=8)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """23 training and 8 validation images of about 60 pixels; two more of 32 pixels, one of them grey."""
    root = tmp_path_factory.mktemp("folder") / "photos"
    write_folder(root, train=23, scale=0.25)
    noise = torch.randint(256, (32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).numpy()
    Image.fromarray(noise).save(root / "train" / "digit 1" / "ready.png")
    Image.fromarray(noise[:, :, 0]).save(root / "train" / "digit 2" / "ready.png")
    return root


@pytest.fixture(scope="module")
def manifest(root: Path) -> FolderManifest:
    return describe(image_folder(32, in_memory=True), root, 0)


def machine(root: Path, **changes: object) -> Machine:
    return Machine(data_roots={"photos": str(root)}, **changes)


def test_images_of_the_right_size_stay_as_they_are_and_others_are_cut_as_in_testing(
    root: Path, manifest: FolderManifest
) -> None:
    images = index.read(manifest, root, "train")
    decoded = in_memory.decoded(images, manifest, 2)
    ready = 0
    for entry, found in zip(images, decoded.images, strict=True):
        with Image.open(root / "train" / entry.path) as file:
            image = file.convert("RGB")
        ready += image.size == (32, 32)
        expected = pil_to_tensor(image) if image.size == (32, 32) else centre_view(32)(image)
        assert torch.equal(found, expected), entry.path
    assert ready == 2
    assert torch.equal(decoded.labels, images.labels)


def test_batches_are_those_of_images_in_memory_whatever_the_number_of_workers(
    root: Path, manifest: FolderManifest
) -> None:
    split = in_memory.decoded(index.read(manifest, root, "train"), manifest, 1)
    batching = Batching(5, CHANGED, CPU)
    expected = list(Loader(split, batching, manifest.mean, manifest.std).shuffled(3))
    for workers in (0, 3):
        found = list(batches_of(manifest, "train", machine(root, workers=workers), batching).shuffled(3))
        for (images, labels), (wanted, classes) in zip(found, expected, strict=True):
            assert torch.equal(images, wanted)
            assert torch.equal(labels, classes)


def test_parts_share_no_image_and_keep_their_order(root: Path, manifest: FolderManifest) -> None:
    images = index.read(manifest, root, "train")
    whole = in_memory.decoded(images, manifest, 1)
    first, second = batches_of_parts(manifest, Division(0.5), machine(root), Batching(100, CHANGED, CPU))
    assert isinstance(first, Loader)
    assert isinstance(second, Loader)
    assert torch.equal(torch.cat([first.images, second.images]), whole.images)
    assert len(first.images) == 12


def test_no_file_is_read_again_and_nothing_is_copied_to_the_disk_of_the_node(tmp_path: Path) -> None:
    write_folder(tmp_path / "photos", train=12, val=4, scale=0.25)
    manifest = describe(image_folder(32, in_memory=True), tmp_path / "photos", 0)
    where = machine(tmp_path / "photos", local_copy=str(tmp_path / "disk"))
    batches = batches_of(manifest, "train", where, Batching(5, CHANGED, CPU))
    before = [labels for _, labels in batches.shuffled(1)]
    for path in (tmp_path / "photos" / "train").rglob("*.jpg"):
        path.unlink()
    assert torch.equal(torch.cat([labels for _, labels in batches.shuffled(1)]), torch.cat(before))
    assert not (tmp_path / "disk").exists()


def test_a_file_that_has_changed_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "photos", train=12, val=4, scale=0.25)
    manifest = describe(image_folder(32, in_memory=True), tmp_path / "photos", 0)
    changed = next((tmp_path / "photos" / "train").rglob("*.jpg"))
    changed.write_bytes(changed.read_bytes()[:-100])
    with pytest.raises(InputError, match=f"{changed.name}: is not the file that was verified"):
        batches_of(manifest, "train", machine(tmp_path / "photos"), Batching(5, None, CPU))


def test_too_little_memory_for_all_parts_is_refused_with_the_sum_before_any_image_is_decoded(
    root: Path, manifest: FolderManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = memory.free()
    assert free is not None
    size = math.isqrt(free // (3 * 18))  # 18 of 25 images fit: each part of them does
    huge = manifest.model_copy(update={"image_size": size})
    monkeypatch.setattr(Index, "content", lambda *_: pytest.fail("an image was read"))
    message = rf"in_memory is true, but 25 images of 3 x {size} x {size} bytes are [\d.]+ GB, and [\d.]+ GB of main"
    with pytest.raises(InputError, match=message):
        batches_of_parts(huge, Division(0.5), machine(root), Batching(5, CHANGED, CPU))


def test_the_augmentation_is_that_of_images_in_memory(root: Path, manifest: FolderManifest) -> None:
    with pytest.raises(InputError, match="images are in memory; allowed: crop_padding, flip, cutout"):
        batches_of(manifest, "train", machine(root), Batching(5, CHANGES, CPU))
    streamed = describe(image_folder(32), root, 0)
    with pytest.raises(InputError, match=r"resized_crop, flip, color_jitter \(or in_memory: true of the dataset\)"):
        batches_of(streamed, "train", machine(root), Batching(5, CHANGED, CPU))


def test_a_split_keeps_the_form_of_cifars(root: Path, manifest: FolderManifest) -> None:
    split = in_memory.decoded(index.read(manifest, root, "test"), manifest, 0)
    assert isinstance(split, Split)
    assert (split.images.dtype, split.images.shape) == (torch.uint8, (8, 3, 32, 32))
