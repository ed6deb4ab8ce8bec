"""Keys that methods add to a search: each belongs to one method, and none is without it."""

import json
import subprocess
import sys
from typing import Any

import pytest

from pdarts.errors import InputError
from pdarts.settings.config import parse_config
from pdarts.settings.methods import METHODS
from pdarts.settings.schema import schema
from pdarts.settings.searches import parse_stage
from tests.configuration import CONFIG, ROOT
from tests.searching import settings_of
from tests.settings.test_config import ABSENT, changed

DIGITS = CONFIG.searches["digits"].stage_settings(1).model_dump(mode="json")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("pc-darts-cifar10/partial_channels", ABSENT, "searches.pc-darts-cifar10.partial_channels: missing; add it"),
        ("sdarts-rs-cifar10/radius", ABSENT, "searches.sdarts-rs-cifar10.radius: missing; add it"),
        ("digits/method", ABSENT, "searches.digits.method: missing; add it"),
        ("digits/method", ["p_darts"], "searches.digits.method"),
        (
            "pc-darts-cifar10/partial_chanels",
            4,
            "searches.pc-darts-cifar10.partial_chanels: unknown key; did you mean 'partial_channels'?",
        ),
        (
            "digits/partial_channels",
            4,
            "searches.digits: partial_channels is a key of method pc_darts, but method is 'p_darts'; leave it out",
        ),
        (
            "beta-darts-cifar10/zero_one_weight",
            10.0,
            "searches.beta-darts-cifar10: zero_one_weight is a key of method fair_darts, but method is 'beta_darts'",
        ),
        (
            "digits/method",
            "fair_dart",
            "searches.digits.method: 'fair_dart' is not a method of search; did you mean 'fair_darts'?",
        ),
        (
            "fair-darts-cifar10/candidates/0",
            "none",
            "searches.fair-darts-cifar10: candidates has 'none', which method fair_darts has no use for; leave it out",
        ),
        (
            "sdarts-rs-cifar10/radius",
            [0.3, 0.03],
            "searches.sdarts-rs-cifar10: radius is [0.3, 0.03]; allowed: the smaller one first",
        ),
        ("sdarts-rs-cifar10/radius/0", -0.1, "searches.sdarts-rs-cifar10.radius[0] is -0.1; allowed: greater than or"),
        (
            "pc-darts-cifar10/partial_channels",
            1,
            "searches.pc-darts-cifar10.partial_channels is 1; allowed: greater than or equal to 2",
        ),
        (
            "pc-darts-cifar10/stages/0/channels",
            18,
            "stages[0].channels is 18; allowed: multiples of partial_channels, which is 4",
        ),
        (
            "sdarts-rs-cifar10/perturbation",
            "worst",
            "searches.sdarts-rs-cifar10.perturbation is 'worst'; allowed: 'random' or 'adversarial'",
        ),
        (
            "darts-minus-cifar10/auxiliary_decay",
            "sudden",
            "searches.darts-minus-cifar10.auxiliary_decay is 'sudden'; allowed: 'linear', 'cosine' or 'slow_cosine'",
        ),
        (
            "digits/alphas_portion",
            0.6,
            "searches.digits: train_portion is 0.5 and alphas_portion 0.6, more than all images together",
        ),
        ("digits/warmup_epochs", 4, "searches.digits: warmup_epochs is 4, but epochs is 3"),
        (
            "digits/schedule",
            "linear",
            "searches.digits: epochs is 3, but the linear schedule has a tail of 5; allowed: from 6",
        ),
        (
            "digits/division",
            "by_class",
            "searches.digits.validation is 'digits-validation', which trains on the first images and scores on all",
        ),
        (
            "digits/alphas_portion",
            0.25,
            "it needs division: in_order and alphas_portion: null, or set it to null",
        ),
        (
            "digits/stem",
            "imagenet",
            "searches.digits: the imagenet stem and reduction cells divide the image size by 32, but images of digits",
        ),
    ],
)
def test_what_cannot_be_is_named_with_what_is_allowed(path: str, value: object, message: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_config(changed(f"searches/{path}", value))
    assert str(raised.value).startswith("config: ")
    assert message in str(raised.value)


@pytest.mark.parametrize("method", METHODS)
def test_a_stage_has_the_keys_of_its_method_and_survives_the_command_line(method: str) -> None:
    stage = settings_of(method)
    values = json.loads(stage.model_dump_json())
    assert METHODS[method].model_fields.keys() == values.keys() - (DIGITS.keys())
    assert parse_stage(values, "--settings") == stage
    for key in METHODS[method].model_fields:
        with pytest.raises(InputError, match=f"{key}: missing"):
            parse_stage({name: value for name, value in values.items() if name != key}, "--settings")


@pytest.mark.parametrize("method", METHODS)
def test_a_stage_refuses_every_key_of_another_method(method: str) -> None:
    values = json.loads(settings_of(method).model_dump_json())
    for key in METHODS[method].model_fields:
        for other in METHODS.keys() - {method}:
            theirs = json.loads(settings_of(other).model_dump_json()) | {key: values[key]}
            said = f"^--settings: {key} is a key of method {method}, but method is '{other}'; leave it out"
            with pytest.raises(InputError, match=said):
                parse_stage(theirs, "--settings")


def test_every_method_has_a_search_in_the_configuration() -> None:
    assert {search.method for search in CONFIG.searches.values()} == set(METHODS)


def test_methods_whose_supernets_differ_are_described_differently() -> None:
    said = {method: settings_of(method).described() for method in METHODS}  # type: ignore[attr-defined]
    assert said["p_darts"] == said["darts"]  # they differ in ties alone
    assert len(set(said.values())) == len(METHODS) - 1
    assert [method for method in METHODS if "second-order" in said[method]] == ["second_order"]


def test_images_of_every_class_are_allowed_where_nothing_is_validated() -> None:
    values = changed("searches/digits/validation", None)
    values["searches"]["digits"] |= {"division": "by_class", "alphas_portion": 0.5}
    search = parse_config(values).searches["digits"]
    assert (search.division, search.alphas_portion) == ("by_class", 0.5)


def test_the_schema_describes_the_keys_of_all_methods() -> None:
    described: dict[str, Any] = schema()["$defs"]["Search"]["properties"]
    keys = [(method, key) for method, model in METHODS.items() for key in model.model_fields]
    assert len(keys) >= 7
    for method, key in keys:
        start = f"Of method {method}. "
        assert described[key]["description"].startswith(start)
        assert len(described[key]["description"]) > len(start) + 10
    assert set(described["method"]["examples"]) == set(METHODS)


def test_every_method_is_a_module() -> None:
    folder = ROOT / "pdarts/progressive/methods"
    assert set(METHODS) == {path.stem for path in folder.glob("*.py") if path.name != "__init__.py"}


def test_a_config_is_read_without_torch() -> None:
    lines = (
        "import sys, yaml",
        "from pdarts.settings.config import parse_config",
        "config = parse_config(yaml.safe_load(open('config.yaml')))",
        "[search.stage_settings(1) for search in config.searches.values()]",
        "print(len(config.searches), 'torch' in sys.modules)",
    )
    printed = subprocess.check_output([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, text=True)
    assert printed.split() == [str(len(CONFIG.searches)), "False"]
