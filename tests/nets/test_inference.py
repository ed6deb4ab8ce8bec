"""A trained network in three lines."""

import copy
import gzip
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10
from torchvision.transforms.v2.functional import to_pil_image

from pdarts.data import folder, index, uci_digits
from pdarts.data.batches import batches_of
from pdarts.data.batching import Batching
from pdarts.data.loaders import Loader
from pdarts.data.manifest import AnyManifest, FolderManifest, describe, images_of
from pdarts.errors import InputError
from pdarts.nets import saved
from pdarts.nets.inference import Classifier
from pdarts.nets.network import Network
from pdarts.settings.datasets import Dataset
from pdarts.settings.machine import Machine
from tests.by_hand import call
from tests.configuration import CONFIG
from tests.data.folders import image_folder, write_folder
from tests.data.formats import accept_cifar, accept_fashion_mnist, write_cifar10, write_fashion_mnist
from tests.genotypes import published

DIGITS = describe(CONFIG.datasets["digits"], Path("unused"), download=False)
CPU = torch.device("cpu")
IMAGES = images_of(DIGITS, "test", Path("unused")).part(0, 32)


def write_weights(path: Path, dataset: AnyManifest) -> Path:
    """A weights file of a network that has seen nothing, as `pdarts.train` writes it."""
    torch.manual_seed(0)
    described = {
        "stem": "cifar", "cells": 2, "channels": 2, "classes": len(dataset.classes), "auxiliary": False
    }  # fmt: skip
    network = Network(published("PDARTS"), **described)
    content = {
        "network": described,
        "genotype": {key: _lists(value) for key, value in published("PDARTS").to_json().items()},
        "state": network.state_dict(),
        "dataset": dataset.model_dump(mode="json"),
        "recipe": {},
        "seconds": 1.0,
        "provenance": {},
    }
    path.write_bytes(saved.dump(content))
    return path


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Weights of a network for digits."""
    return write_weights(tmp_path / "weights.pt", DIGITS)


def _lists(value: object) -> object:
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value


def test_it_sees_what_the_test_step_sees(weights: Path) -> None:
    classifier = Classifier.load(weights)
    trained = saved.load(weights)
    network = saved.network_of(trained, "weights")
    loader = Loader(IMAGES, Batching(256, None, CPU), DIGITS.mean, DIGITS.std)
    with torch.no_grad():
        logits = torch.cat([network(images)[0] for images, _ in loader.in_order()])
    torch.testing.assert_close(classifier(IMAGES.images), logits.softmax(1))
    assert classifier.classes == DIGITS.classes


def in_memory(source: str) -> Dataset:
    return Dataset(source=source, train_images=None, mean=(0.4, 0.5, 0.3), std=(0.3, 0.2, 0.25))


@dataclass(frozen=True)
class Kind:
    """A data set on disk, and the test images as its files have them."""

    manifest: AnyManifest
    root: Path
    originals: list[Any]


def digits(root: Path, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """Images of 8 x 8 pixels, of which the test split has every fourth of a class."""
    lines = gzip.decompress(uci_digits.FILE.read_bytes()).decode().splitlines()
    table = np.array([line.split(",") for line in lines], int)
    number = [sum(table[:row, -1] == label) for row, label in enumerate(table[:, -1])]
    drawn = ((table[:, :-1] * 255 + 8) // 16).astype(np.uint8).reshape(-1, 8, 8)
    return Kind(DIGITS, root, [image for image, index in zip(drawn, number, strict=True) if index % 4 == 3])


def fashion_mnist(root: Path, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """Grey images of 28 x 28 pixels."""
    written = write_fashion_mnist(root)["t10k-images-idx3-ubyte"]
    accept_fashion_mnist(monkeypatch, root)
    manifest = describe(in_memory("fashion_mnist"), root, download=False)
    return Kind(manifest, root, [Image.fromarray(image.numpy()) for image in written])


def cifar10(root: Path, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """Coloured images of 32 x 32 pixels, saved as files."""
    written = write_cifar10(root).test.images
    accept_cifar(monkeypatch, CIFAR10, root)
    files = [root / f"{number}.png" for number in range(len(written))]
    for file, image in zip(files, written, strict=True):
        to_pil_image(image).save(file)
    return Kind(describe(in_memory("cifar10"), root, download=False), root, list(map(str, files)))


def photos(root: Path, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """Image files of several sizes, one of which is that of the network."""
    write_folder(root, scale=0.25)
    Image.new("CMYK", (32, 32), (10, 20, 200, 30)).save(root / "val" / "digit 1" / "small.jpg")
    manifest = folder.describe(image_folder(32), root, 0)
    listed = index.read(manifest, root, "test")
    return Kind(manifest, root, [root / "val" / listed[number].path for number in range(len(listed))])


def photos_in_memory(root: Path, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """The same files, of which that of the network's size stays as it is."""
    kind = photos(root, monkeypatch)
    assert isinstance(kind.manifest, FolderManifest)
    return replace(kind, manifest=kind.manifest.model_copy(update={"in_memory": True}))


@pytest.mark.parametrize("make", [digits, fashion_mnist, cifar10, photos, photos_in_memory])
def test_original_images_of_every_kind_of_data_set_get_the_results_of_testing(
    make: Callable[[Path, pytest.MonkeyPatch], Kind], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = make(tmp_path / "root", monkeypatch)
    weights, data, result = write_weights(tmp_path / "w.pt", kind.manifest), tmp_path / "d.json", tmp_path / "t.json"
    data.write_text(kind.manifest.model_dump_json())
    machine = Machine(data_roots={kind.manifest.folder: str(kind.root)}, workers=0, download=False)
    batches = list(batches_of(kind.manifest, "test", machine, Batching(256, None, CPU)).in_order())
    classifier = Classifier.load(weights)
    with torch.no_grad():
        expected = torch.cat([classifier.network(images)[0].softmax(1) for images, _ in batches])
    found = classifier(kind.originals)
    assert torch.equal(found, expected)
    where = json.dumps(machine.model_dump(mode="json") | {"device": "cpu", "wandb": {"mode": "disabled"}})
    assert call("test", "--data", data, "--weights", weights, "--output", result, "--machine", where) is None
    top1 = (found.argmax(1) == torch.cat([labels for _, labels in batches])).double().mean() * 100
    assert json.loads(result.read_text())["top1"] == pytest.approx(float(top1))


def test_an_image_is_the_same_in_every_form(tmp_path: Path) -> None:
    kind = photos(tmp_path / "root", pytest.MonkeyPatch())
    classifier = Classifier.load(write_weights(tmp_path / "w.pt", kind.manifest))
    expected = classifier(kind.originals)
    pictures = [Image.open(path).convert("RGB") for path in kind.originals]
    arrays = [np.array(picture) for picture in pictures]
    tensors = [torch.from_numpy(array).permute(2, 0, 1) for array in arrays if array.shape != (32, 32, 3)]
    for form in (
        pictures,
        iter(pictures),
        arrays,
        torch.stack([classifier.transform(picture) for picture in pictures]),
    ):
        torch.testing.assert_close(classifier(form), expected)
    others = expected[[array.shape != (32, 32, 3) for array in arrays]]
    torch.testing.assert_close(classifier(tensors), others)
    torch.testing.assert_close(classifier([tensor / 255 for tensor in tensors]), others)
    torch.testing.assert_close(classifier([tensors[0][None], arrays[1][None], str(kind.originals[2])]), expected[:3])
    torch.testing.assert_close(classifier(pictures[0]), expected[:1])
    assert classifier([]).shape == (0, 4)


def test_grey_images_are_images_too(weights: Path) -> None:
    classifier = Classifier.load(weights)
    grey = IMAGES.images[:5, :1]  # digits have no colours
    expected = classifier(IMAGES.images[:5])
    torch.testing.assert_close(classifier(grey), expected)
    torch.testing.assert_close(classifier(list(grey[:, 0].numpy())), expected)
    torch.testing.assert_close(classifier([to_pil_image(image) for image in grey]), expected)


def test_a_classifier_can_be_copied_and_pickled(weights: Path) -> None:
    classifier = Classifier.load(weights)
    photograph = Image.linear_gradient("L")
    assert torch.equal(copy.deepcopy(classifier)(photograph), classifier(photograph))
    assert pickle.dumps(classifier)


def test_floats_from_0_to_1_are_the_same_images(weights: Path) -> None:
    classifier = Classifier.load(str(weights))
    whole = classifier(IMAGES.images)
    torch.testing.assert_close(classifier(IMAGES.images / 255), whole)
    torch.testing.assert_close(classifier((IMAGES.images / 255).double()), whole)
    torch.testing.assert_close(whole.sum(1), torch.ones(len(IMAGES)))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.images[0, 0], r"a tensor has shape \(16, 16\); allowed: \(N, 3, H, W\) or \(3, H, W\)"),
        (torch.zeros(3, 0, 16), r"a tensor has shape \(3, 0, 16\)"),
        (torch.zeros(16, 16, 3), r"shape \(16, 16, 3\)"),
        (
            np.zeros((3, 16, 16, 4), np.uint8),
            r"an array has shape \(3, .*\); allowed: \(N, H, W, 3\), \(H, W, 3\) or \(H, W\)",
        ),
        (np.zeros((16, 16, 4), np.uint8), r"an array has shape"),
        (np.zeros((16, 16), np.int64), "images are torch.int64"),
        ([b"picture"], "an image is bytes; allowed: a path, Pillow image, array or tensor"),
        (None, "an image is NoneType"),
        (IMAGES.images.float(), "range from 0 to 255"),
        (IMAGES.images.float() / 255 - 0.5, "floats from 0 to 1"),
        (IMAGES.images.long(), "images are torch.int64"),
        (torch.full((1, 3, 16, 16), float("nan")), "range from nan"),
    ],
)
def test_images_of_another_shape_or_scale_are_refused(weights: Path, images: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Classifier.load(weights)(images)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.pt: this weights file does not exist"):
        Classifier.load(tmp_path / "none.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file or directory"), (b"", "is empty"), (b"no picture", "is not an image that Pillow knows")],
)
def test_a_picture_that_is_none_is_named(weights: Path, tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "picture.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"picture.png: {message}$"):
        Classifier.load(weights)([str(path)])
    with pytest.raises(InputError, match=r": Is a directory$"):
        Classifier.load(weights)(tmp_path)
