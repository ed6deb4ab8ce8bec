"""Keys of search methods: each with its method alone, and what is said about what cannot be."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pdarts.checking import parse
from pdarts.errors import InputError
from pdarts.settings.config import Config
from pdarts.settings.methods import METHODS, UNNAMED
from pdarts.settings.schema import schema
from pdarts.settings.searches import StageSettings, parse_stage
from tests.configuration import CONFIG, ROOT
from tests.searching import DIGITS, keys_of, settings_of

VALUES = yaml.safe_load((ROOT / "config.yaml").read_text())
OWN_KEYS = [(method, key) for method, keys in METHODS.items() for key in keys.model_fields]
NO_NONE = VALUES["searches"]["fair-darts-cifar10"]["candidates"]


def refusal(name: str, **changes: Any) -> str:
    """What is said about the config with other keys in a search; None leaves a key out."""
    values = copy.deepcopy(VALUES)
    search = values["searches"][name]
    search |= changes
    for key in [key for key, value in changes.items() if value is None and key not in ("alphas_portion", "validation")]:
        del search[key]
    with pytest.raises(InputError) as raised:
        parse(Config, values, "config")
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (
            "digits",
            {"method": "pdarts"},
            "searches.digits.method: 'pdarts' is no method of search; did you mean 'p_darts'? (allowed: p_darts",
        ),
        ("digits", {"method": None}, "searches.digits.method: missing; add it"),
        ("pc-darts-cifar10", {"partial_channels": None}, "searches.pc-darts-cifar10.partial_channels: missing; add it"),
        (
            "pc-darts-cifar10",
            {"partial_channels": 1},
            "partial_channels is 1; allowed: greater than or equal to 2",
        ),
        (
            "pc-darts-cifar10",
            {"partial_chanels": 4},
            "searches.pc-darts-cifar10.partial_chanels: unknown key; did you mean 'partial_channels'?",
        ),
        (
            "digits",
            {"partial_channels": 4},
            "searches.digits: partial_channels is a key of method pc_darts, but method is 'p_darts'; leave it out",
        ),
        (
            "sdarts-rs-cifar10",
            {"beta_decay": "half_an_epoch"},
            "beta_decay is a key of method beta_darts, but method is 'sdarts'; leave it out",
        ),
        (
            "fair-darts-cifar10",
            {"candidates": [*NO_NONE[:-1], "none"]},
            "candidates has 'none', which method fair_darts has no use for; leave it out",
        ),
        ("fair-darts-cifar10", {"zero_one_weight": -1.0}, "zero_one_weight is -1.0; allowed: greater than or equal"),
        ("sdarts-rs-cifar10", {"radius": [0.3, 0.03]}, "radius is [0.3, 0.03]; allowed: the smaller one first"),
        ("sdarts-rs-cifar10", {"perturbation": "worst"}, "perturbation is 'worst'; allowed: 'random' or 'adversarial'"),
        (
            "darts-minus-cifar10",
            {"auxiliary_decay": "step"},
            "auxiliary_decay is 'step'; allowed: 'linear', 'cosine' or 'slow_cosine'",
        ),
        (
            "pc-darts-cifar10",
            {"stages": [{"cells": 8, "channels": 18, "operations": 8, "skip_dropout": 0.0}]},
            "stages[0].channels is 18; allowed: multiples of partial_channels, which is 4",
        ),
        (
            "digits",
            {"alphas_portion": 0.6},
            "train_portion is 0.5 and alphas_portion 0.6, more than all images together; allowed: 1 in sum",
        ),
        ("digits", {"warmup_epochs": 4}, "warmup_epochs is 4, but there are 3 epochs"),
        ("digits", {"schedule": "linear"}, "epochs is 3, but the linear schedule has a tail of 5; allowed: from 6"),
        (
            "digits",
            {"division": "by_class"},
            "searches.digits.validation is 'digits-validation', which trains on the first images",
        ),
        (
            "digits",
            {"alphas_portion": 0.25},
            "it needs division: in_order and alphas_portion: null, or set it to null",
        ),
        (
            "digits",
            {"stem": "imagenet"},
            "searches.digits: the imagenet stem and reduction cells divide the image size by 32, but images of digits "
            "have 16 pixels",
        ),
    ],
)
def test_what_a_method_cannot_have_is_named(name: str, changes: dict[str, Any], message: str) -> None:
    said = refusal(name, **changes)
    assert said.startswith("config: ")
    assert message in said


def test_a_search_whose_divided_images_choose_no_seed_is_allowed() -> None:
    values = copy.deepcopy(VALUES)
    values["searches"]["pc-darts-imagenet"] |= {"division": "by_class", "alphas_portion": 0.025, "validation": None}
    search = parse(Config, values, "config").searches["pc-darts-imagenet"]
    assert (search.division, search.alphas_portion) == ("by_class", 0.025)


@pytest.mark.parametrize(("method", "key"), OWN_KEYS)
def test_a_key_belongs_to_its_method_alone(method: str, key: str) -> None:
    own = settings_of(method).model_dump(mode="json")
    assert own[key] == keys_of(method)[key]
    for other in METHODS.keys() - {method}:
        values = {**settings_of(other).model_dump(mode="json"), key: own[key]}
        with pytest.raises(InputError, match=f"--settings: {key} is a key of method {method}, but method is '{other}'"):
            parse_stage(values, "--settings")
    with pytest.raises(InputError, match=f"{key}: missing"):
        parse_stage({name: value for name, value in own.items() if name != key}, "--settings")


@pytest.mark.parametrize("method", METHODS)
def test_settings_of_a_stage_have_the_keys_of_the_protocol_the_stage_and_the_method(method: str) -> None:
    settings = settings_of(method)
    expected = {*StageSettings.model_fields, *METHODS[method].model_fields}
    assert set(settings.model_dump()) == expected
    assert set(DIGITS) == {*StageSettings.model_fields, *METHODS[UNNAMED].model_fields}


def test_every_method_has_a_search_in_the_configuration() -> None:
    assert {search.method for search in CONFIG.searches.values()} == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_says_what_it_does(method: str) -> None:
    settings = settings_of(method)
    said = settings.described()  # type: ignore[attr-defined]
    assert "gradients of alphas" in said
    assert ("second-order" in said) == (method == "second_order")
    others = {settings_of(other).described() for other in METHODS if other not in (method, "darts", "p_darts")}  # type: ignore[attr-defined]
    assert said not in others


def test_the_schema_describes_every_key_of_a_method() -> None:
    properties = schema()["$defs"]["Search"]["properties"]
    for method, key in OWN_KEYS:
        assert properties[key]["description"].startswith(f"Of method {method}. ")
        assert len(properties[key]["description"]) > len(f"Of method {method}. ")
    assert properties["method"]["examples"] == list(METHODS)


def test_an_editor_that_knows_the_schema_finds_a_wrong_value_of_a_method_s_key() -> None:
    values = copy.deepcopy(VALUES)
    values["searches"]["sdarts-rs-cifar10"]["perturbation"] = "worst"
    assert not jsonschema.Draft202012Validator(schema()).is_valid(values)


def test_the_configuration_is_read_without_torch(tmp_path: Path) -> None:
    program = """
import json, sys, yaml
from pdarts.settings.config import parse_config
config = parse_config(yaml.safe_load(open("config.yaml")))
print(json.dumps([len(config.searches), sorted({name.partition(".")[0] for name in sys.modules})]))
"""
    printed = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)
    searches, loaded = json.loads(printed)
    assert searches == len(CONFIG.searches)
    assert not {"torch", "torchvision", "numpy"} & set(loaded)
