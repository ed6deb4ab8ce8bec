"""Datasets and augmentations have two forms each; what does not fit together is refused before any job."""

import copy
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pdarts.errors import InputError
from pdarts.settings.augmentation import StreamedAugmentation
from pdarts.settings.config import parse_config
from pdarts.settings.datasets import ImageFolder, image_size, parse_dataset
from tests import warm
from tests.configuration import CONFIG, ROOT
from tests.data.folders import write_folder

VALUES = yaml.safe_load((ROOT / "config.yaml").read_text())
IN_MEMORY = {"crop_padding": 4, "flip": True, "cutout": 0}
STREAMED = {"resized_crop": [0.08, 1.0], "flip": True, "color_jitter": [0.4, 0.4, 0.4, 0.2]}


def refusal(change: Callable[[dict[str, Any]], object]) -> str:
    """What is said about the project's configuration after `change`."""
    values = copy.deepcopy(VALUES)
    change(values)
    with pytest.raises(InputError) as caught:
        parse_config(values)
    return str(caught.value)


def test_imagenet_is_declared_as_in_the_paper() -> None:
    imagenet = CONFIG.datasets["imagenet"]
    assert isinstance(imagenet, ImageFolder)
    assert image_size(imagenet) == 224
    training = CONFIG.trainings["pdarts-cifar10-on-imagenet"]
    recipe = CONFIG.recipe_of(training)
    assert (recipe.batch_size, recipe.optimizer.learning_rate, recipe.warmup_epochs) == (1024, 0.5, 5)
    assert isinstance(recipe.augmentation, StreamedAugmentation)
    reference = CONFIG.recipes["imagenet-reference"]
    assert (reference.batch_size, reference.optimizer.learning_rate, reference.warmup_epochs) == (256, 0.1, 0)


@pytest.mark.parametrize(
    ("dataset", "keys", "message"),
    [
        ("imagenet", {"foldr": "x"}, "datasets.imagenet.foldr: unknown key; did you mean 'folder'?"),
        ("imagenet", {"image_size": 225}, "datasets.imagenet.image_size is 225; allowed: a multiple of 4"),
        ("cifar10", {"folder": "x"}, "datasets.cifar10.folder: unknown key (allowed: source, train_images, mean, std)"),
        ("cifar10", {"source": "cifar"}, "datasets.cifar10.source is 'cifar'; allowed: 'digits', 'fashion_mnist', "),
        ("cifar10", {"source": "image_folder"}, "datasets.cifar10.folder: missing"),
    ],
)
def test_keys_belong_to_the_form_of_a_dataset(dataset: str, keys: dict[str, Any], message: str) -> None:
    assert message in refusal(lambda values: values["datasets"][dataset].update(keys))


def test_a_dataset_without_source_is_told_so() -> None:
    assert "datasets.cifar10.source: missing" in refusal(lambda values: values["datasets"]["cifar10"].pop("source"))


def test_augmentation_must_fit_the_images() -> None:
    def in_memory(values: dict[str, Any]) -> None:
        values["recipes"]["imagenet"]["augmentation"] = IN_MEMORY

    def streamed(values: dict[str, Any]) -> None:
        values["searches"]["digits"]["augmentation"] = STREAMED

    assert (
        "trainings.nasnet-on-imagenet, on dataset imagenet: augmentation has crop_padding, flip, cutout, but "
        "the dataset's images are in a folder; allowed: resized_crop, flip, color_jitter" in refusal(in_memory)
    )
    assert "searches.digits, on dataset digits: augmentation has resized_crop, flip, color_jitter" in refusal(streamed)


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        ({**STREAMED, "cutout": 3}, "augmentation.cutout: unknown key (allowed: resized_crop, flip, color_jitter)"),
        ({**IN_MEMORY, "cutot": 3}, "augmentation.cutot: unknown key; did you mean 'cutout'?"),
        ({**STREAMED, "resized_crop": [1.0, 0.5]}, "resized_crop is [1.0, 0.5]; allowed: the smaller share first"),
        ({**STREAMED, "color_jitter": [0, 0, 0, 0.6]}, "color_jitter[3] is 0.6; allowed: less than or equal to 0.5"),
        ({"flip": True}, "augmentation.crop_padding: missing"),
    ],
)
def test_keys_belong_to_the_form_of_an_augmentation(augmentation: dict[str, Any], message: str) -> None:
    assert message in refusal(lambda values: values["recipes"]["imagenet"].update(augmentation=augmentation))


def test_an_auxiliary_head_needs_the_folders_images_in_its_size() -> None:
    message = refusal(lambda values: values["datasets"]["imagenet"].update(image_size=192))
    assert "made for 224-pixel images, and those of imagenet have 192" in message


def test_images_must_be_divisible_as_often_as_the_network_halves_them() -> None:
    def odd(values: dict[str, Any]) -> None:
        values["datasets"]["imagenet"]["image_size"] = 196
        for recipe in ("imagenet", "imagenet-reference"):
            values["recipes"][recipe]["auxiliary_weight"] = None

    assert "divide the image size by 32, but images of imagenet have 196 pixels" in refusal(odd)


def test_data_roots_belong_to_sources_and_folders() -> None:
    message = refusal(lambda values: values["machine"]["data_roots"].update(imagnet="/scratch"))
    assert "machine.data_roots.imagnet: unknown key; did you mean 'imagenet'?" in message


def test_a_step_takes_settings_of_either_form() -> None:
    for dataset in (CONFIG.datasets["imagenet"], CONFIG.datasets["digits"]):
        assert parse_dataset(dataset.model_dump_json(), "--settings") == dataset
    with pytest.raises(InputError, match=r"(?m)^folder: missing"):
        parse_dataset('{"source": "image_folder"}', "--settings")


@pytest.mark.workflow
def test_the_documented_examples_are_verified_and_planned(tmp_path: Path) -> None:
    example, of_icons, of_photographs = re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs" / "own-images.md").read_text(), re.DOTALL
    )
    for name in ("Snakefile", "config.yaml", "rules", "pdarts", "profiles"):
        (tmp_path / name).symlink_to(ROOT / name)
    write_folder(tmp_path / "flowers", train=12, val=4, scale=0.25)
    (tmp_path / "mine.yaml").write_text(
        example.replace("/scratch/flowers", "flowers").replace("workers: 8", "workers: 0")
    )
    (tmp_path / "photographs.yaml").write_text(of_photographs)
    (tmp_path / "icons.yaml").write_text(of_icons)

    def snakemake(*arguments: str) -> str:
        command = [
            warm.python(),
            "-m",
            "snakemake",
            *arguments,
            "--configfile",
            "mine.yaml",
            "photographs.yaml",
            "icons.yaml",
            "--cores",
            "1",
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    planned = snakemake("results/search/flowers-photographs/seed0/genotype.json", "--dry-run")
    assert dict(re.findall(r"^(search|derive) +(\d+)$", planned, re.MULTILINE)) == {"search": "1", "derive": "1"}
    snakemake("results/data/flowers-224.json")
    assert yaml.safe_load((tmp_path / "results/data/flowers-224.json").read_text())["splits"]["train"]["images"] == 12
    planned = snakemake("results/tables/flowers.md", "--dry-run")
    counts = dict(re.findall(r"^(\w+) +(\d+)$", planned, re.MULTILINE))
    assert {step: counts[step] for step in ("prepare", "search", "derive", "train", "test", "report")} == {
        "prepare": "1",
        "search": "3",
        "derive": "1",
        "train": "3",
        "test": "3",
        "report": "1",
    }
