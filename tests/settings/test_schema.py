"""The schema by which editors check `config.yaml`: it is that of the settings, explains them, and refuses the same."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from pdarts.settings.schema import schema
from tests.configuration import ROOT
from tests.settings.test_config import VALUES, changed


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """All objects that a schema describes."""
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from objects(part)


def test_the_schema_file_is_generated_from_the_settings() -> None:
    printed = subprocess.check_output(
        [sys.executable, "-m", "pdarts.settings.schema"], cwd=ROOT, text=True, encoding="utf-8"
    )
    assert (ROOT / "rules" / "config.schema.yaml").read_text(encoding="utf-8") == printed
    assert yaml.safe_load(printed) == json.loads(json.dumps(schema()))


def test_every_key_has_a_description() -> None:
    keys = [(name, key) for found in objects(schema()) for name, key in found.get("properties", {}).items()]
    assert len(keys) > 60
    assert [name for name, key in keys if not key.get("description") and "/Recipe/" not in key.get("$ref", "")] == []


def test_no_object_takes_an_unknown_key() -> None:
    found = list(objects(schema()))
    assert len(found) > 15
    assert [
        value for value in found if value["additionalProperties"] is not False and "propertyNames" not in value
    ] == []


def test_the_configuration_keeps_to_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(VALUES)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("searches/digits/epoch", 3),
        ("searches/digits/epochs", 0),
        ("searches/digits/seeds", [0, 0]),
        ("searches/digits/max_skips", 9),
        ("trainings/digits/changes", {"chanels": 4}),
        ("trainings/digits/changes", {"channels": 3}),
        ("machine/data_roots", {"my mnist": "data"}),
        ("datasets/my digits", VALUES["datasets"]["digits"]),
    ],
)
def test_an_editor_that_knows_the_schema_finds_the_same_mistakes(path: str, value: object) -> None:
    assert not jsonschema.Draft202012Validator(schema()).is_valid(changed(path, value))
