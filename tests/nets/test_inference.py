"""A trained network in three lines."""

from pathlib import Path

import pytest
import torch

from pdarts.data.batching import Batching
from pdarts.data.loaders import Loader
from pdarts.data.manifest import describe, images_of
from pdarts.errors import InputError
from pdarts.nets import saved
from pdarts.nets.inference import Classifier
from pdarts.nets.network import Network
from tests.configuration import CONFIG
from tests.genotypes import published

DIGITS = describe(CONFIG.datasets["digits"], Path("unused"), download=False)
IMAGES = images_of(DIGITS, "test", Path("unused")).part(0, 32)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A weights file of a network that has seen nothing, as `pdarts.train` writes it."""
    torch.manual_seed(0)
    described = {"stem": "cifar", "cells": 2, "channels": 2, "classes": 10, "auxiliary": False}
    network = Network(published("PDARTS"), **described)
    content = {
        "network": described,
        "genotype": {key: _lists(value) for key, value in published("PDARTS").to_json().items()},
        "state": network.state_dict(),
        "dataset": DIGITS.model_dump(mode="json"),
        "recipe": {},
        "seconds": 1.0,
        "provenance": {},
    }
    path = tmp_path / "weights.pt"
    path.write_bytes(saved.dump(content))
    return path


def _lists(value: object) -> object:
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value


def test_it_sees_what_the_test_step_sees(weights: Path) -> None:
    classifier = Classifier.load(weights)
    trained = saved.load(weights)
    network = saved.network_of(trained, "weights")
    loader = Loader(IMAGES, Batching(256, None, torch.device("cpu")), DIGITS.mean, DIGITS.std)
    with torch.no_grad():
        logits = torch.cat([network(images)[0] for images, _ in loader.in_order()])
    torch.testing.assert_close(classifier(IMAGES.images), logits.softmax(1))
    assert classifier.classes == DIGITS.classes


def test_floats_from_0_to_1_are_the_same_images(weights: Path) -> None:
    classifier = Classifier.load(str(weights))
    whole = classifier(IMAGES.images)
    torch.testing.assert_close(classifier(IMAGES.images / 255), whole)
    torch.testing.assert_close(classifier((IMAGES.images / 255).double()), whole)
    torch.testing.assert_close(whole.sum(1), torch.ones(len(IMAGES)))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.images[0], r"shape \(3, 16, 16\); allowed: \(N, 3, 16, 16\)"),
        (torch.zeros(1, 3, 32, 32), r"shape \(1, 3, 32, 32\)"),
        (IMAGES.images.float(), "range from 0 to 255"),
        (IMAGES.images.float() / 255 - 0.5, "floats from 0 to 1"),
        (IMAGES.images.long(), "images are torch.int64"),
        (torch.full((1, 3, 16, 16), float("nan")), "range from nan"),
    ],
)
def test_images_of_another_shape_or_scale_are_refused(weights: Path, images: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Classifier.load(weights)(images)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.pt: this weights file does not exist"):
        Classifier.load(tmp_path / "none.pt")
