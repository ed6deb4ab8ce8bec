"""What a user can write into `config.yaml`, and what is said about what they cannot."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pdarts.checking import argument_values, parse, parse_argument
from pdarts.errors import InputError
from pdarts.settings.config import parse_config
from pdarts.settings.machine import Machine
from pdarts.settings.recipes import Recipe
from pdarts.settings.searches import parse_stage
from tests.configuration import CONFIG, ROOT

VALUES = yaml.safe_load((ROOT / "config.yaml").read_text())
ABSENT = object()


def changed(path: str, value: object) -> dict[str, Any]:
    """The project's configuration with another value at a path like `searches/digits/epochs`, or without the key."""
    values = copy.deepcopy(VALUES)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    node: Any = values
    for part in parents:
        node = node[part]
    if value is ABSENT:
        del node[last]
    else:
        node[last] = value
    return values


@pytest.mark.parametrize(
    ("path", "value", "messages"),
    [
        # misspelt keys
        ("serches", {}, ["serches: unknown key; did you mean 'searches'?"]),
        ("searches/digits/epoch", 3, ["searches.digits.epoch: unknown key; did you mean 'epochs'?"]),
        (
            "searches/digits/stages/1/skip_droput",
            0.1,
            ["searches.digits.stages[1].skip_droput: unknown key; did you mean 'skip_dropout'?", "cells, channels"],
        ),
        ("searches/digits/weights/lr", 0.1, ["searches.digits.weights.lr: unknown key", "learning_rate"]),
        (
            "trainings/digits/genotype/sed",
            0,
            [
                "trainings.digits.genotype.sed: unknown key; did you mean 'seed'?",
                "(allowed: search, seed, max_skips, stage)",
            ],
        ),
        (
            "trainings/digits/changes",
            {"chanels": 4},
            ["trainings.digits.changes: chanels: unknown key; did you mean 'channels'?"],
        ),
        (
            "tables/demo/rows/0/trainning",
            "digits",
            ["tables.demo.rows[0].trainning: unknown key; did you mean 'training'?"],
        ),
        ("machine/wandb/modus", "offline", ["machine.wandb.modus: unknown key; did you mean 'mode'?"]),
        # missing keys
        ("searches/digits/max_skips", ABSENT, ["searches.digits.max_skips: missing; add it"]),
        ("machine", ABSENT, ["machine: missing; add it"]),
        (
            "searches/pdarts-cifar1O",
            {"seeds": [0]},
            ["searches.pdarts-cifar1O: most of its keys are missing; did you mean 'pdarts-cifar10'?"],
        ),
        (
            "datasets/digitz",
            {"train_images": 9},
            ["datasets.digitz: most of its keys are missing; did you mean 'digits'?"],
        ),
        # mistyped values
        (
            "searches/digits/alphas/learning_rate",
            "6e-4",
            ["searches.digits.alphas.learning_rate is '6e-4'", "YAML reads 6e-4 as text: write 0.0006"],
        ),
        (
            "recipes/digits/optimizer/weight_decay",
            "1e-7",
            ["recipes.digits.optimizer.weight_decay is '1e-7'", "write 0.0000001"],
        ),
        ("recipes/digits/epochs", "20", ["recipes.digits.epochs is '20'; allowed: a valid integer, 20 without quotes"]),
        ("recipes/digits/epochs", 2.5, ["recipes.digits.epochs is 2.5; allowed: a valid integer"]),
        ("recipes/digits/epochs", True, ["recipes.digits.epochs is True; allowed: a valid integer"]),
        (
            "recipes/digits/augmentation/flip",
            "yes",
            ["recipes.digits.augmentation.flip is 'yes'; allowed: a valid boolean"],
        ),
        ("searches/digits/stages", {}, ["searches.digits.stages is {}"]),
        ("searches", None, ["searches is None"]),
        # impossible values
        ("searches/digits/epochs", 0, ["searches.digits.epochs is 0; allowed: greater than or equal to 1"]),
        ("recipes/digits/epochs", 0, ["recipes.digits.epochs is 0; allowed: greater than or equal to 1"]),
        ("searches/digits/max_skips", 9, ["searches.digits.max_skips is 9; allowed: less than or equal to 8"]),
        (
            "searches/digits/frozen_epochs",
            4,
            ["searches.digits: frozen_epochs is 4, but a stage has 3 epochs, so that alphas would never"],
        ),
        (
            "searches/digits/stages/0/operations",
            7,
            ["searches.digits: stages[0].operations is 7, but the first stage starts with all 8 candidates"],
        ),
        (
            "searches/digits/stages/1/operations",
            9,
            ["searches.digits: stages[1].operations is 9, but only 8 are left after stage 1; allowed: 2 to 8"],
        ),
        ("searches/digits/stages/2/operations", 1, ["searches.digits.stages[2].operations is 1", "equal to 2"]),
        (
            "searches/digits/stages/0/channels",
            15,
            ["searches.digits.stages[0].channels is 15; allowed: a multiple of 2"],
        ),
        ("recipes/digits/channels", 7, ["recipes.digits.channels is 7; allowed: a multiple of 2"]),
        (
            "searches/digits/stages/1/skip_dropout",
            1.0,
            ["searches.digits.stages[1].skip_dropout is 1.0; allowed: less than 1"],
        ),
        ("searches/digits/seeds", [], ["searches.digits.seeds is []; allowed: a list of at least 1, such as [0, 1]"]),
        ("searches/digits/seeds", 4, ["searches.digits.seeds is 4; allowed: a list, such as [0, 1]"]),
        ("searches/digits/seeds", [0, 0], ["searches.digits.seeds: 0 is listed twice in [0, 0]"]),
        ("searches/digits/seeds", [-1], ["searches.digits.seeds[0] is -1; allowed: greater than or equal to 0"]),
        ("recipes/digits/optimizer/learning_rate", float("inf"), ["learning_rate is inf; allowed: a finite number"]),
        (
            "datasets/digits/mean",
            [0.3, 0.3, float("nan")],
            ["datasets.digits.mean[2] is nan; allowed: a finite number"],
        ),
        ("datasets/digits/mean", [0.3], ["datasets.digits.mean"]),
        (
            "datasets/digits/train_images",
            2000,
            ["datasets.digits.train_images is 2000, but digits has 1352 training images; allowed: 1 to 1352, or null"],
        ),
        ("recipes/digits/warmup_epochs", 99, ["recipes.digits: warmup_epochs is 99, but epochs is 8"]),
        (
            "recipes/digits/auxiliary_weight",
            0.4,
            ["trainings.digits: auxiliary_weight is 0.4", "made for 32-pixel images, and those of digits have 16"],
        ),
        # unknown names
        ("datasets/digits/source", "mnist", ["datasets.digits.source is 'mnist'; allowed: 'digits', 'fashion_mnist'"]),
        (
            "searches/digits/candidates/3",
            "skip_conect",
            ["searches.digits.candidates[3] is 'skip_conect'; allowed: 'none', 'max_pool_3x3'", "'skip_connect'"],
        ),
        (
            "searches/digits/candidates/0",
            "skip_connect",
            ["searches.digits.candidates: 'skip_connect' is listed twice"],
        ),
        ("machine/device", "gpu", ["machine.device is 'gpu'; allowed: 'auto', 'cpu' or 'cuda'"]),
        ("machine/data_roots", {"mnist": "data"}, ["machine.data_roots.mnist: unknown key (allowed: digits,"]),
        (
            "datasets/my digits",
            VALUES["datasets"]["digits"],
            ["datasets.my digits is 'my digits'; allowed: letters, digits"],
        ),
        # names of what is not declared
        (
            "searches/digits/dataset",
            "digit",
            ["searches.digits.dataset is 'digit', which does not exist; did you mean 'digits'?", "cifar10"],
        ),
        (
            "trainings/digits/genotype/search",
            "digist",
            ["trainings.digits.genotype.search is 'digist', which does not exist; did you mean 'digits'?"],
        ),
        (
            "trainings/digits/genotype/seed",
            7,
            ["trainings.digits.genotype: seed is 7, which does not exist (allowed: 0, 1)"],
        ),
        (
            "trainings/digits/seeds",
            [0, 2],
            ["trainings.digits.genotype: seed is 2, which does not exist (allowed: 0, 1)"],
        ),
        (
            "trainings/digits/recipe",
            "digit",
            ["trainings.digits.recipe is 'digit', which does not exist; did you mean"],
        ),
        (
            "trainings/digits/dataset",
            "digit",
            ["trainings.digits.dataset is 'digit', which does not exist; did you mean"],
        ),
        (
            "tables/demo/rows/0/training",
            "digit",
            ["tables.demo.rows[0].training is 'digit', which does not exist; did you"],
        ),
        ("tables/demo/rows", [], ["tables.demo.rows is []; allowed: a list of at least 1"]),
    ],
)
def test_what_cannot_be_is_named_with_what_is_allowed(path: str, value: object, messages: list[str]) -> None:
    with pytest.raises(InputError) as raised:
        parse_config(changed(path, value))
    said = str(raised.value)
    assert said.startswith("config: ")
    for message in messages:
        assert message in said


def test_what_would_not_fit_as_a_number_either_is_not_recommended() -> None:
    with pytest.raises(InputError) as raised:
        parse_config(changed("repeats/searches", "2.5"))
    assert str(raised.value) == "config: repeats.searches is '2.5'; allowed: a valid integer"
    with pytest.raises(InputError) as raised:
        parse_config(changed("searches/digits/seeds", [0.5]))
    assert str(raised.value) == "config: searches.digits.seeds[0] is 0.5; allowed: a valid integer"


def test_of_many_names_a_message_lists_the_near_ones() -> None:
    with pytest.raises(InputError) as raised:
        parse_config(changed("tables/demo/rows/0/training", "pdarts-cifar10-on-cifr10"))
    assert "did you mean 'pdarts-cifar10-on-cifar10'?" in str(raised.value)
    assert f"{len(CONFIG.trainings)} are declared, in config.yaml" in str(raised.value)
    assert "amoebanet-on-imagenet" not in str(raised.value)


def test_all_mistakes_are_named_at_once() -> None:
    values = changed("searches/digits/epochs", 0)
    values["recipes"]["digits"]["channels"] = 3
    with pytest.raises(InputError) as raised:
        parse_config(values)
    assert "searches.digits.epochs is 0" in str(raised.value)
    assert "recipes.digits.channels is 3" in str(raised.value)


def test_what_does_not_fit_together_is_named_at_once_beside_what_is_wrong_by_itself() -> None:
    values = changed("searches/digits/epochs", 0)
    values["searches"]["fashion"]["dataset"] = "fashio"
    values["trainings"]["fashion"]["recipe"] = "fashin"
    values["checkpoints"]["pdarts-imagenet"]["dataset"] = "imagenett"
    values["machine"]["data_roots"]["imagent"] = "data"
    values["tables"]["fashion"]["rows"][0]["training"] = "fashon"
    with pytest.raises(InputError) as raised:
        parse_config(values)
    lines = str(raised.value).splitlines()
    assert lines[0] == "config: searches.digits.epochs is 0; allowed: greater than or equal to 1"
    assert [line.split(" is ")[0].split(": ")[0] for line in lines[1:]] == [
        "machine.data_roots.imagent",
        "searches.fashion.dataset",
        "trainings.fashion.recipe",
        "checkpoints.pdarts-imagenet.dataset",
        "tables.fashion.rows[0].training",
    ]


def test_what_an_invalid_entry_brings_with_it_is_not_said() -> None:
    values = changed("datasets/digits/mean", [78, 78, 78])
    values["datasets"]["imagenet"]["image_size"] = 0
    values["recipes"]["digits"]["drop_path"] = 30
    with pytest.raises(InputError) as raised:
        parse_config(values)
    assert {line.split(" is ")[0].removeprefix("config: ") for line in str(raised.value).splitlines()} == {
        *(f"datasets.digits.mean[{channel}]" for channel in range(3)),
        "datasets.imagenet.image_size",
        "recipes.digits.drop_path",
    }


ONLY_SKIPS = {
    "candidates": ["none", "skip_connect"],
    "stages": [{"cells": 3, "channels": 4, "operations": 2, "skip_dropout": 0.0}],
}


def test_a_skip_limit_that_no_cell_can_meet_is_refused() -> None:
    values = changed("searches/digits/validation", None)
    values["searches"]["digits"] |= ONLY_SKIPS
    with pytest.raises(
        InputError, match=r"searches\.digits: max_skips is 2, but all 8 edges of a cell keep skip_connect"
    ):
        parse_config(values)
    values["searches"]["digits"]["max_skips"] = None
    assert "digits" in parse_config(values).searches
    values["trainings"]["digits"]["genotype"] = {"search": "digits", "seed": "each", "max_skips": 7}
    with pytest.raises(
        InputError, match=r"trainings\.digits\.genotype: max_skips is 7, but all 8 edges of a cell keep"
    ):
        parse_config(values)
    values["searches"]["digits"]["candidates"][0] = "sep_conv_3x3"
    assert parse_config(values).trainings["digits"].genotype.max_skips == 7  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cells": 1}, "cells is 1, but the auxiliary head follows the second of two reduction cells; allowed: from 2"),
        (
            {"batch_size": 4, "processes": 4},
            "batch_size is 4, but BatchNorm in the auxiliary head needs 2 images of each",
        ),
    ],
)
def test_an_auxiliary_head_needs_two_reduction_cells_and_two_images(changes: dict[str, int], said: str) -> None:
    values = copy.deepcopy(VALUES)
    values["recipes"]["cifar"] |= changes
    with pytest.raises(InputError, match=f"recipes.cifar: {said}"):
        parse_config(values)
    values["recipes"]["cifar"] |= {"auxiliary_weight": None}
    assert parse_config(values).recipes["cifar"].auxiliary_weight is None


def test_a_training_changes_its_recipe_alone() -> None:
    config = parse_config(changed("trainings/digits/changes", {"channels": 12}))
    recipe = config.recipe_of(config.trainings["digits"])
    assert recipe == CONFIG.recipes["digits"].model_copy(update={"channels": 12})
    assert config.recipe_of(config.trainings["digits-published"]) == CONFIG.recipes["digits"]


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        CONFIG.machine.threads = 2  # type: ignore[misc]


def test_a_stage_depends_on_its_own_line_and_the_protocol_alone() -> None:
    search = VALUES["searches"]["pdarts-cifar10"]
    settings = json.loads(CONFIG.searches["pdarts-cifar10"].stage_settings(2).model_dump_json())
    others = ("dataset", "seeds", "validation", "max_skips", "stages")
    protocol = {key: value for key, value in search.items() if key not in others}
    assert settings == {**search["stages"][1], **protocol}
    assert settings["cells"] == 11


def test_what_a_stage_does_not_depend_on_leaves_its_settings_alone() -> None:
    for path, value in (
        ("searches/digits/max_skips", None),
        ("searches/digits/seeds", [0, 1, 2]),
        ("searches/digits/validation", None),
        ("searches/digits/stages/0/cells", 9),
        ("searches/digits/stages/2/skip_dropout", 0.1),
        ("machine/threads", 2),
    ):
        settings = parse_config(changed(path, value)).searches["digits"].stage_settings(2)
        assert settings == CONFIG.searches["digits"].stage_settings(2)


def test_settings_survive_the_command_line(tmp_path: Path) -> None:
    for search in CONFIG.searches.values():
        stage = search.stage_settings(len(search.stages))
        assert parse_stage(argument_values(stage.model_dump_json(), "--settings"), "--settings") == stage
    recipe = CONFIG.recipes["cifar"]
    assert parse_argument(Recipe, recipe.model_dump_json(), "--settings") == recipe
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json(indent=1))
    assert parse_argument(Recipe, str(tmp_path / "recipe.json"), "--settings") == recipe


@pytest.mark.parametrize("text", ["{", "nowhere.json", '{"epochs": 1,}'])
def test_an_argument_that_is_no_json_is_named(text: str) -> None:
    with pytest.raises(InputError, match=r"--settings is .* allowed: one line of JSON, or the path of a JSON file"):
        parse_argument(Recipe, text, "--settings")


def test_data_lies_where_the_machine_says_or_under_data() -> None:
    machine = parse(Machine, {"data_roots": {"cifar10": "/scratch/cifar10"}}, "machine")
    assert machine.data_root("cifar10") == "/scratch/cifar10"
    assert machine.data_root("cifar100") == "data/cifar100"
