"""Batches of decoded files: every image once, all randomness from seed and number, none from the workers."""

import itertools
import multiprocessing
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from pdarts.data import index
from pdarts.data.batches import batches_of, batches_of_parts
from pdarts.data.batching import Batching
from pdarts.data.division import Division
from pdarts.data.folder import describe
from pdarts.data.manifest import FolderManifest
from pdarts.data.stream import StreamLoader
from pdarts.errors import InputError
from pdarts.settings.augmentation import Augmentation, StreamedAugmentation
from pdarts.settings.machine import Machine
from tests.configuration import ROOT
from tests.data.folders import CHANGES, image_folder, write_folder

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """23 training and 8 validation images of 4 classes, about 60 pixels large; not to be changed."""
    root = tmp_path_factory.mktemp("folder") / "photos"
    write_folder(root, train=23, scale=0.25)
    return root


@pytest.fixture(scope="module")
def manifest(root: Path) -> FolderManifest:
    return describe(image_folder(32), root, 0)


def loader(
    manifest: FolderManifest, root: Path, augmentation: StreamedAugmentation | None = CHANGES, workers: int = 0
) -> StreamLoader:
    images = index.read(manifest, root, "train")
    return StreamLoader(images, 32, Batching(5, augmentation, CPU), manifest.mean, manifest.std, workers)


def equal(left: Iterable[tuple[Tensor, Tensor]], right: Iterable[tuple[Tensor, Tensor]]) -> bool:
    pairs = list(zip(left, right, strict=True))
    assert pairs
    return all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in pairs)


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_are_the_same_to_the_last_bit_whatever_the_number_of_workers(
    manifest: FolderManifest, root: Path, workers: int
) -> None:
    alone, helped = loader(manifest, root), loader(manifest, root, workers=workers)
    assert equal(alone.shuffled(3), helped.shuffled(3))
    assert equal(alone.in_order(), helped.in_order())
    assert equal(alone.firsts([1, 2, 3]), helped.firsts([1, 2, 3]))


def test_batches_are_the_same_whatever_the_number_of_threads(manifest: FolderManifest, root: Path) -> None:
    before = torch.get_num_threads()
    passes = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        passes.append(list(loader(manifest, root).shuffled(3)))
    torch.set_num_threads(before)
    assert equal(*passes)


def test_a_pass_can_start_later(manifest: FolderManifest, root: Path) -> None:
    batches = loader(manifest, root, workers=1)
    assert equal(batches.shuffled(3, start=3), list(batches.shuffled(3))[3:])


def test_workers_outlive_a_signal_that_ends_the_job(manifest: FolderManifest, root: Path) -> None:
    batches = loader(manifest, root, workers=2)
    interrupted = []
    for batch in batches.shuffled(3):
        for worker in multiprocessing.active_children():
            os.kill(worker.pid, signal.SIGTERM)
        interrupted.append(batch)
    assert equal(interrupted, batches.shuffled(3))


def test_the_end_of_a_process_that_decodes_is_said(manifest: FolderManifest, root: Path) -> None:
    batches = loader(manifest, root, workers=2).shuffled(3)
    next(batches)
    for worker in multiprocessing.active_children():
        worker.kill()
    with pytest.raises(InputError, match=r"no more images \(.*machine\.workers"):
        list(batches)


@pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0,
    reason="needs a mount",
)
def test_a_container_with_little_shared_memory_gets_the_same_batches(tmp_path: Path) -> None:
    write_folder(tmp_path / "photos", train=48, scale=0.25)
    described = describe(image_folder(96), tmp_path / "photos", 0).model_dump_json()
    script = (
        "import sys; from tests.data.test_stream import *\n"
        "images = index.read(FolderManifest.model_validate_json(sys.argv[2]), Path(sys.argv[1]), 'train')\n"
        "passes = [StreamLoader(images, 96, Batching(24, CHANGES, CPU), (0.5,) * 3, (0.4,) * 3, workers).shuffled(3)\n"
        "          for workers in (0, 2)]\n"
        "assert equal(*passes)\n"
    )
    call = shlex.join([sys.executable, "-c", script, str(tmp_path / "photos"), described])
    little = "mount -t tmpfs -o size=1m tmpfs /dev/shm"  # a batch has 0.7 MB, and four are decoded ahead
    subprocess.run(["unshare", "-m", "bash", "-c", f"{little} && exec {call}"], cwd=ROOT, check=True, timeout=120)


def test_the_last_smaller_batch_is_kept(manifest: FolderManifest, root: Path) -> None:
    batches = loader(manifest, root)
    assert len(batches) == 5
    for one_pass in (batches.shuffled(0), batches.in_order()):
        assert [tuple(images.shape) for images, _ in one_pass] == [(5, 3, 32, 32)] * 4 + [(3, 3, 32, 32)]


def test_a_shuffled_pass_shows_every_image_once(manifest: FolderManifest, root: Path) -> None:
    batches = loader(manifest, root, None)
    ordered, shuffled = (
        [image for images, _ in one_pass for image in images] for one_pass in (batches.in_order(), batches.shuffled(7))
    )
    indices = [next(n for n, other in enumerate(ordered) if torch.equal(image, other)) for image in shuffled]
    assert indices != list(range(23))
    assert sorted(indices) == list(range(23))


def test_images_stay_with_their_labels(manifest: FolderManifest, root: Path) -> None:
    images = index.read(manifest, root, "train")
    expected = [images[number].label for number in range(len(images))]
    batches = loader(manifest, root, None)
    assert torch.cat([labels for _, labels in batches.in_order()]).tolist() == expected
    by_content = {
        image.numpy().tobytes(): label for batch in batches.in_order() for image, label in zip(*batch, strict=True)
    }
    shuffled = [(image, label) for batch in batches.shuffled(1) for image, label in zip(*batch, strict=True)]
    assert all(by_content[image.numpy().tobytes()] == label for image, label in shuffled)


def test_a_pass_is_a_function_of_its_seed_alone(manifest: FolderManifest, root: Path) -> None:
    one, other = loader(manifest, root), loader(manifest, root)
    torch.manual_seed(1)
    first = list(one.shuffled(11))
    next(other.shuffled(12))
    torch.manual_seed(2)
    assert equal(first, other.shuffled(11))
    assert not equal(first, other.shuffled(12))


def test_an_image_changes_alike_in_batches_of_any_size(manifest: FolderManifest, root: Path) -> None:
    images = index.read(manifest, root, "train")
    grey = (0.5, 0.5, 0.5)
    loaders = (StreamLoader(images, 32, Batching(size, CHANGES, CPU), grey, grey, 0) for size in (5, 8))
    passes = [torch.cat([batch for batch, _ in loader.shuffled(4)]) for loader in loaders]
    assert torch.equal(*passes)


def test_equal_images_change_differently(tmp_path: Path) -> None:
    for label in ("train/one", "train/two", "val/one", "val/two"):
        (tmp_path / label).mkdir(parents=True)
        for number in range(6):
            Image.linear_gradient("L").save(tmp_path / label / f"{number}.png")
    same = describe(image_folder(32), tmp_path, 0)
    grey = (0.5, 0.5, 0.5)
    loader = StreamLoader(index.read(same, tmp_path, "train"), 32, Batching(12, CHANGES, CPU), grey, grey, 0)
    images, _ = next(loader.shuffled(0))
    assert len({image.numpy().tobytes() for image in images}) == 12


@pytest.mark.parametrize("workers", [0, 2])
def test_passes_leave_the_global_random_numbers_alone(manifest: FolderManifest, root: Path, workers: int) -> None:
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    batches = loader(manifest, root, workers=workers)
    for _ in (*batches.shuffled(0), *batches.in_order()):
        pass
    assert torch.equal(torch.rand(4), expected)


def test_first_batches_come_without_end(manifest: FolderManifest, root: Path) -> None:
    batches = loader(manifest, root, workers=1)
    some = list(itertools.islice(batches.firsts(itertools.count(20)), 7))
    assert equal(some, (next(batches.shuffled(seed)) for seed in range(20, 27)))


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_is_no_longer_whole_is_named(tmp_path: Path, workers: int) -> None:
    write_folder(tmp_path, scale=0.25)
    manifest = describe(image_folder(32), tmp_path, 0)
    batches = loader(manifest, tmp_path, workers=workers)
    path = tmp_path / "train" / index.read(manifest, tmp_path, "train")[3].path
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError) as caught:
        list(batches.shuffled(0))
    assert str(caught.value).startswith(f"{path}: is not the file that was verified")
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        list(batches.in_order())


def test_both_halves_of_a_folder_can_be_searched_on(manifest: FolderManifest, root: Path) -> None:
    halves = batches_of_parts(
        manifest, Division(0.5), Machine(data_roots={"photos": str(root)}, workers=0), Batching(4, CHANGES, CPU)
    )
    labels = [torch.cat([labels for _, labels in half.in_order()]) for half in halves]
    assert [len(half) for half in labels] == [11, 12]
    assert all(set(half.tolist()) == {0, 1, 2, 3} for half in labels)


def test_augmentation_of_images_in_memory_is_refused_for_a_folder(manifest: FolderManifest) -> None:
    other = Augmentation(crop_padding=4, flip=True, cutout=0)
    with pytest.raises(InputError, match=r"images are in a folder; allowed: resized_crop, flip, color_jitter"):
        batches_of(manifest, "train", Machine(), Batching(4, other, CPU))
