"""Too few images for a search or training are known before any job, from the config or from a manifest."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from pdarts.errors import InputError
from pdarts.nets.network import Network
from pdarts.settings.config import Config, parse_config
from pdarts.workflow.images import manifest
from tests.genotypes import published
from tests.settings.test_config import changed

CIFAR = {"training": "published-on-cifar10"}
IMAGENET = {"training": "published-on-imagenet"}
STAGE = {"search": "digits", "stage": "1"}


def config(**changes: Any) -> Config:
    """The project's configuration with other values at paths in which `__` stands for a slash."""
    values = changed("rehearsal", False)
    for path, value in changes.items():
        *parents, last = path.split("__")
        node = values
        for part in parents:
            node = node[part]
        node[last] = value
    return parse_config(values)


@pytest.mark.parametrize(
    ("images", "processes", "batch"), [(129, 1, 1), (257, 2, 1), (258, 2, 2), (259, 2, 3), (1, 1, 1)]
)
def test_a_share_of_one_image_is_refused_under_an_auxiliary_head(images: int, processes: int, batch: int) -> None:
    few = config(datasets__cifar10__train_images=images, recipes__cifar__processes=processes)
    said = rf"^trainings\.published-on-cifar10, on dataset cifar10: batch_size is 128, .* has {batch} for {processes} "
    with pytest.raises(InputError, match=said):
        manifest(few, CIFAR)


@pytest.mark.parametrize(("images", "processes"), [(128, 1), (130, 1), (127, 1), (256, 2), (260, 2), (None, 2)])
def test_other_numbers_of_images_are_not(images: int | None, processes: int) -> None:
    enough = config(datasets__cifar10__train_images=images, recipes__cifar__processes=processes)
    assert manifest(enough, CIFAR) == "results/data/cifar10.json"


def test_one_image_is_enough_where_feature_maps_are_larger_than_a_pixel() -> None:
    assert manifest(config(datasets__digits__train_images=97), {"training": "digits"}) == "results/data/digits.json"
    with pytest.raises(InputError, match="has 1 for 2 processes, but each needs 1; change batch_size"):
        manifest(config(datasets__digits__train_images=97, recipes__digits__processes=2), {"training": "digits"})


@pytest.mark.parametrize(
    ("size", "auxiliary", "stem", "works"),
    [
        (32, True, "cifar", False),
        (32, False, "cifar", True),
        (32, False, "imagenet", False),
        (64, False, "imagenet", True),
    ],
)
def test_networks_fail_on_one_image_where_they_are_said_to(size: int, auxiliary: bool, stem: str, works: bool) -> None:
    network = Network(published("PDARTS"), stem, 2, 2, 3, auxiliary)
    network(torch.rand(2, 3, size, size))
    if works:
        network(torch.rand(1, 3, size, size))
    else:
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            network(torch.rand(1, 3, size, size))


@pytest.mark.parametrize(("key", "parts"), [("train_portion", "weights"), ("alphas_portion", "alphas")])
def test_a_portion_that_is_none_is_refused(key: str, parts: str) -> None:
    few = config(searches__digits__validation=None, **{f"searches__digits__{key}": 0.0005})
    with pytest.raises(
        InputError, match=f"{key} is 0.0005, which leaves none of 1,352 training images to train {parts}"
    ):
        manifest(few, STAGE)


def test_a_manifest_tells_of_a_folder_unless_it_is_of_other_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, found = Path("results/data/imagenet.json"), config()
    assert manifest(found, IMAGENET) == str(path)
    path.parent.mkdir(parents=True)
    values = found.datasets["imagenet"].model_dump() | {"splits": {"train": {"per_class": {"cat": 1000, "dog": 32}}}}
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"the 1,032 images .* has 8 for 8 processes, but each needs 2"):
        manifest(found, IMAGENET)
    path.write_text(json.dumps({**values, "train_images": 9}))
    assert manifest(found, IMAGENET) == str(path)
    path.write_text(json.dumps(values)[:-3])
    assert manifest(found, IMAGENET) == str(path)


def test_where_images_are_drawn_by_class_every_class_gives_its_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, found = Path("results/data/imagenet.json"), config()
    path.parent.mkdir(parents=True)
    values = found.datasets["imagenet"].model_dump() | {"splits": {"train": {"per_class": {"cat": 9, "dog": 9}}}}
    path.write_text(json.dumps(values))
    with pytest.raises(
        InputError, match=r"^searches\.pc-darts-imagenet, .*: train_portion is 0.1, which leaves none of 18 "
    ):
        manifest(found, {"search": "pc-darts-imagenet", "stage": "1"})
