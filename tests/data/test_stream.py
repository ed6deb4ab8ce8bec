"""Batches of decoded files: every image once, all randomness from seed and number, none from the workers."""

import importlib
import itertools
import json
import math
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from pdarts.data import index
from pdarts.data.batches import batches_of, batches_of_halves
from pdarts.data.folder import describe
from pdarts.data.manifest import FolderManifest
from pdarts.data.stream import StreamLoader
from pdarts.data.stream_transforms import centre_view, random_view
from pdarts.errors import InputError
from pdarts.settings.augmentation import Augmentation, StreamedAugmentation
from pdarts.settings.machine import Machine, Wandb
from tests.configuration import CONFIG
from tests.data.folders import image_folder, write_folder

CPU = torch.device("cpu")
CHANGES = StreamedAugmentation(resized_crop=(0.08, 1.0), flip=True, color_jitter=(0.4, 0.4, 0.4, 0.2))
STILL = StreamedAugmentation(resized_crop=(1.0, 1.0), flip=False, color_jitter=(0.0, 0.0, 0.0, 0.0))


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
    return StreamLoader(images, 32, 5, manifest.mean, manifest.std, augmentation, CPU, workers)


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
    places = [next(n for n, other in enumerate(ordered) if torch.equal(image, other)) for image in shuffled]
    assert places != list(range(23))
    assert sorted(places) == list(range(23))


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
    passes = [
        torch.cat(
            [batch for batch, _ in StreamLoader(images, 32, size, (0.5,) * 3, (0.5,) * 3, CHANGES, CPU, 0).shuffled(4)]
        )
        for size in (5, 8)
    ]
    assert torch.equal(*passes)


def test_equal_images_change_differently(tmp_path: Path) -> None:
    for split in ("train", "val"):
        (tmp_path / split / "one").mkdir(parents=True)
        for number in range(12):
            Image.linear_gradient("L").save(tmp_path / split / "one" / f"{number}.png")
    same = describe(image_folder(32), tmp_path, 0)
    images, _ = next(
        StreamLoader(index.read(same, tmp_path, "train"), 32, 12, *((0.5,) * 3,) * 2, CHANGES, CPU, 0).shuffled(0)
    )
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


def test_training_images_of_any_size_get_the_networks_size() -> None:
    for width, height in ((500, 375), (40, 300), (5, 7), (224, 224)):
        image = Image.new("RGB", (width, height))
        for transform in (random_view(224, CHANGES), centre_view(224)):
            changed = transform(image)
            assert changed.dtype == torch.uint8
            assert changed.shape == (3, 224, 224)


def ramp(width: int, height: int) -> Image.Image:
    """Red says the column, green the row, from 0 to 255 both."""
    columns = torch.linspace(0, 255, width).expand(height, -1)
    rows = torch.linspace(0, 255, height)[:, None].expand(-1, width)
    stacked = torch.stack([columns, rows, torch.zeros(height, width)], dim=2).round().to(torch.uint8)
    return Image.fromarray(stacked.numpy())


def test_in_testing_the_centre_of_the_image_scaled_to_256_is_seen() -> None:
    changed = centre_view(224)(ramp(768, 512)).float() / 255  # scaled to 384 x 256
    assert changed[1, 0, 0].item() == pytest.approx(16 / 256, abs=0.01)
    assert changed[1, -1, 0].item() == pytest.approx(240 / 256, abs=0.01)
    assert changed[0, 0, 0].item() == pytest.approx(80 / 384, abs=0.01)
    assert changed[0, 0, -1].item() == pytest.approx(304 / 384, abs=0.01)


def test_random_crops_are_distributed_as_in_the_literature() -> None:
    transform, image = (
        random_view(64, STILL.model_copy(update={"resized_crop": (0.08, 1.0), "flip": True})),
        ramp(400, 400),
    )
    torch.manual_seed(0)
    crops = torch.stack([transform(image) for _ in range(1000)]).float() / 255  # (1000, 3, 64, 64)
    red, green = crops[:, 0], crops[:, 1]
    flipped = red[:, 32, 0] > red[:, 32, -1]
    assert flipped.float().mean().item() == pytest.approx(0.5, abs=0.06)
    width = (red[:, 32, 0] - red[:, 32, -1]).abs() * 64 / 63
    height = (green[:, -1, 32] - green[:, 0, 32]) * 64 / 63
    area = width * height
    assert area.min() > 0.06
    assert area.max() < 1.03
    shares, ratios = torch.meshgrid(
        torch.linspace(0.08, 1, 500), torch.linspace(-1, 1, 501) * math.log(4 / 3), indexing="ij"
    )
    fits = (shares * ratios.exp() <= 1) & (shares / ratios.exp() <= 1)
    assert area.mean().item() == pytest.approx(shares[fits].mean().item(), abs=0.03)
    ratio = width / height
    assert ratio.min() > 0.72
    assert ratio.max() < 1.39
    assert ratio.log().mean().item() == pytest.approx(0, abs=0.03)


def test_without_flip_nothing_is_mirrored() -> None:
    transform, image = random_view(64, STILL.model_copy(update={"resized_crop": (0.08, 1.0)})), ramp(100, 100)
    torch.manual_seed(0)
    crops = torch.stack([transform(image) for _ in range(50)]).float()
    assert (crops[:, 0, 32, 0] < crops[:, 0, 32, -1]).all()


def test_colours_change_as_far_as_is_set() -> None:
    grey = Image.new("RGB", (16, 16), (100, 100, 100))
    brightness = random_view(16, STILL.model_copy(update={"color_jitter": (0.4, 0.0, 0.0, 0.0)}))
    torch.manual_seed(0)
    levels = torch.stack([brightness(grey)[0, 0, 0] for _ in range(300)])
    assert 59 <= levels.min() < 65
    assert 135 < levels.max() <= 140
    assert torch.equal(random_view(16, STILL)(grey), torch.full((3, 16, 16), 100, dtype=torch.uint8))
    hue = random_view(16, STILL.model_copy(update={"color_jitter": (0.0, 0.0, 0.0, 0.2)}))
    red = torch.stack([hue(Image.new("RGB", (16, 16), (200, 0, 0)))[:, 0, 0] for _ in range(100)])
    assert (red[:, 0] > 100).all()  # a fifth of a turn reaches beyond yellow and magenta, not to green or blue
    assert red[:, 1].max() > 150
    assert red[:, 2].max() > 150


def test_both_halves_of_a_folder_can_be_searched_on(manifest: FolderManifest, root: Path) -> None:
    halves = batches_of_halves(manifest, 0.5, Machine(data_roots={"photos": str(root)}, workers=0), 4, CHANGES, CPU)
    labels = [torch.cat([labels for _, labels in half.in_order()]) for half in halves]
    assert [len(half) for half in labels] == [11, 12]
    assert all(set(half.tolist()) == {0, 1, 2, 3} for half in labels)


def test_augmentation_of_images_in_memory_is_refused_for_a_folder(manifest: FolderManifest) -> None:
    other = Augmentation(crop_padding=4, flip=True, cutout=0)
    with pytest.raises(InputError, match=r"images are in a folder; allowed: resized_crop, flip, color_jitter"):
        batches_of(manifest, "train", Machine(), 4, other, CPU)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a step as from the command line, without another start of torch."""

    def main(step: str, *options: str) -> None:
        monkeypatch.setattr(sys, "argv", [step, *options])
        importlib.import_module(f"pdarts.{step}").main()

    return main


def machine(root: Path) -> str:
    """Where the steps run: images in `root`, copied to a folder beside it, decoded by another process."""
    values = Machine(
        device="cpu",
        workers=1,
        data_roots={"photos": str(root)},
        local_copy=str(root.with_name("disk")),
        wandb=Wandb(mode="disabled"),
    )
    return values.model_dump_json()


def test_a_network_with_imagenets_stem_is_trained_and_tested(run: Callable[..., None], tmp_path: Path) -> None:
    """At 224 pixels, with auxiliary head, label smoothing and all augmentation."""
    write_folder(tmp_path / "photos", train=200, val=40)
    where = ("--machine", machine(tmp_path / "photos"))
    data, weights, metrics, tested = (str(tmp_path / name) for name in ("data.json", "w.pt", "m.jsonl", "test.json"))
    run("prepare", "--settings", image_folder().model_dump_json(), "--output", data, *where)
    small = {"cells": 3, "channels": 4, "epochs": 1, "batch_size": 48, "processes": 1, "warmup_epochs": 1}
    small |= {"schedule": "cosine"}
    recipe = json.dumps(CONFIG.recipes["imagenet"].model_dump(mode="json") | small)
    options = ("--genotype", "pdarts/genotypes/PDARTS.json", "--settings", recipe, "--seed", "0")
    run("train", "--data", data, *options, "--output", weights, "--metrics", metrics, *where)
    run("test", "--data", data, "--weights", weights, "--output", tested, *where)
    (line,) = [json.loads(line) for line in Path(metrics).read_text().splitlines()]
    chance = 1.4 * math.log(4)  # of four classes, with the auxiliary head
    assert 0.8 * chance < line["train_loss"] < 4 * chance
    result = json.loads(Path(tested).read_text())
    assert result["images"] == 40
    assert result["top5"] == 100  # of four classes
    assert result["settings"]["dataset"]["image_size"] == 224
    assert len(list((tmp_path / "disk" / "photos" / "train").rglob("*.jpg"))) == 200


def test_a_folder_of_small_images_is_searched_on(run: Callable[..., None], tmp_path: Path) -> None:
    write_folder(tmp_path / "photos", train=48, scale=0.25)
    where = ("--machine", machine(tmp_path / "photos"))
    data, stage, metrics = (str(tmp_path / name) for name in ("data.json", "stage1.json", "metrics.jsonl"))
    run("prepare", "--settings", image_folder(32).model_dump_json(), "--output", data, *where)
    small: dict[str, object] = {"cells": 1, "channels": 2, "batch_size": 12, "epochs": 1, "frozen_epochs": 0}
    small |= {"candidates": ["none", "skip_connect"], "operations": 2, "augmentation": CHANGES.model_dump()}
    settings = json.dumps(CONFIG.searches["digits"].stage_settings(1).model_dump(mode="json") | small)
    options = ("--stage", "1", "--settings", settings, "--seed", "0")
    run("search", "--data", data, *options, "--output", stage, "--metrics", metrics, *where)
    (line,) = [json.loads(line) for line in Path(metrics).read_text().splitlines()]
    assert line["valid_loss"] is not None
    assert line["valid_accuracy"] is not None
    assert set(json.loads(Path(stage).read_text())["cells"]) == {"normal", "reduction"}
