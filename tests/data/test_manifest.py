"""Manifests describe images, and tell other images from those they describe."""

import json
from pathlib import Path
from typing import get_args

import pytest
import torch
from torchvision.datasets import CIFAR10

from pdarts.data.manifest import Manifest, describe, images_of, read
from pdarts.data.split import SplitName
from pdarts.errors import InputError
from pdarts.settings.datasets import Dataset
from tests.data.formats import accept_cifar, accept_fashion_mnist, write_cifar10, write_fashion_mnist
from tests.data.sources import load

NOWHERE = Path("no/such/folder")
TRAIN_DIGEST = "628ef27a43fa3e78b8c9c2e1c0e9dfa46b06ad3434e4575bbc2c45fb55e0c0b3"
TEST_DIGEST = "8c9fabf7ff1b726b98f94747ace985aa8ea0867ccc1e472904adc10d9f05e4c6"


def dataset(source: str = "digits", train_images: int | None = None) -> Dataset:
    return Dataset(source=source, train_images=train_images, mean=(0.3, 0.3, 0.3), std=(0.4, 0.4, 0.4))


def written(manifest: Manifest, path: Path) -> Path:
    path.write_text(json.dumps(manifest.model_dump(mode="json")), encoding="utf-8")
    return path


def test_a_manifest_describes_the_digits() -> None:
    manifest = describe(dataset(), NOWHERE, download=False)
    assert manifest.source == "digits"
    assert manifest.classes == tuple("0123456789")
    assert manifest.image_size == 16
    assert (manifest.splits.train.images, manifest.splits.test.images) == (1352, 445)
    assert list(manifest.splits.test.per_class.values()) == [44, 45, 44, 45, 45, 45, 45, 44, 43, 45]
    assert sum(manifest.splits.train.per_class.values()) == 1352
    assert manifest.mean == (0.3, 0.3, 0.3)


def test_the_digest_of_the_digits_is_the_same_everywhere() -> None:
    splits = describe(dataset(), NOWHERE, download=False).splits
    assert (splits.train.digest, splits.test.digest) == (TRAIN_DIGEST, TEST_DIGEST)


def test_a_manifest_survives_its_file(tmp_path: Path) -> None:
    manifest = describe(dataset(train_images=100), NOWHERE, download=False)
    assert read(written(manifest, tmp_path / "digits.json")) == manifest


def test_a_manifest_does_not_say_where_data_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "there"):
        write_fashion_mnist(tmp_path / name)
    accept_fashion_mnist(monkeypatch, tmp_path / "here")
    here, there = (describe(dataset("fashion_mnist"), tmp_path / name, False) for name in ("here", "there"))
    assert here == there
    assert str(tmp_path) not in here.model_dump_json()


def test_the_described_images_are_loaded_again() -> None:
    manifest = describe(dataset(train_images=100), NOWHERE, download=False)
    every = load("digits", NOWHERE, download=False)
    assert len(images_of(manifest, "train", NOWHERE)) == 100
    assert torch.equal(images_of(manifest, "train", NOWHERE).images, every.train.images[:100])
    assert torch.equal(images_of(manifest, "test", NOWHERE).images, every.test.images)


def test_a_limit_changes_the_digest_of_the_training_images_only() -> None:
    splits = describe(dataset(train_images=1351), NOWHERE, download=False).splits
    assert splits.train.digest != TRAIN_DIGEST
    assert splits.test.digest == TEST_DIGEST


def test_more_training_images_than_there_are_is_refused() -> None:
    with pytest.raises(InputError, match=r"train_images is 1353, but digits has 1352 .* allowed: 1 to 1352, or null"):
        describe(dataset(train_images=1353), NOWHERE, download=False)


@pytest.mark.parametrize("split", get_args(SplitName))
def test_other_images_than_the_described_ones_are_refused(split: SplitName) -> None:
    manifest = describe(dataset(), NOWHERE, download=False)
    values = manifest.model_dump(mode="json")
    values["splits"][split]["digest"] = "0" * 64
    with pytest.raises(
        InputError, match=rf"the {split} images in .* are not those .*instead of .*0000\); run pdarts\.prep"
    ):
        images_of(Manifest.model_validate_json(json.dumps(values)), split, NOWHERE)


def test_a_swapped_label_changes_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar10(tmp_path)
    accept_cifar(monkeypatch, CIFAR10, tmp_path)
    manifest = describe(dataset("cifar10"), tmp_path, download=False)
    batch = tmp_path / "cifar-10-batches-py" / "data_batch_1"
    content = bytearray(batch.read_bytes())
    labels = content.index(b"labels")
    first = content.index(b"K", labels)  # the pickle's opcode before a label of one byte
    content[first + 1] = (content[first + 1] + 1) % 10
    batch.write_bytes(content)
    monkeypatch.undo()
    accept_cifar(monkeypatch, CIFAR10, tmp_path)
    with pytest.raises(InputError, match=r"cifar10: the train images .* are not those of the manifest"):
        images_of(manifest, "train", tmp_path)


def test_loading_again_never_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar10(tmp_path / "first")
    accept_cifar(monkeypatch, CIFAR10, tmp_path / "first")
    manifest = describe(dataset("cifar10"), tmp_path / "first", download=False)
    with pytest.raises(InputError, match=r"data_batch_1 is not there .*set machine.download: true and prepare"):
        images_of(manifest, "train", tmp_path / "second")
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "this manifest does not exist; pdarts.prepare makes it"),
        ('{"source": "dig', "not whole JSON"),
        (b"\xff\xfe\x00", "not whole JSON"),
        ("[]", "manifest.json"),
        ('{"source": "digits"}', "classes: missing"),
    ],
    ids=["missing", "cut off", "binary", "a list", "incomplete"],
)
def test_a_file_that_is_no_manifest_is_named(content: str | bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
