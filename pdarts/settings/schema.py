"""The JSON schema of `config.yaml`, which `make schema` writes to `rules/config.schema.yaml` for editors."""

from typing import Any

import yaml

from pdarts.settings.config import Config
from pdarts.settings.recipes import Recipe


def schema() -> dict[str, Any]:
    """Make the schema: every key with its description and its allowed values."""
    config = Config.model_json_schema()
    recipe = {key: {"$ref": f"#/$defs/Recipe/properties/{key}"} for key in Recipe.model_fields}
    for model in ("Training", "Row"):
        config["$defs"][model]["properties"]["changes"] |= {"properties": recipe, "additionalProperties": False}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **config}


if __name__ == "__main__":
    print("# Generated from pdarts/settings by `make schema`; do not edit.")
    print(yaml.safe_dump(schema(), sort_keys=False, width=120, allow_unicode=True), end="")
