"""Checks plain values against a model, and says in users' words what does not fit."""

import difflib
import json
import math
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from pdarts.errors import InputError

NEAR, MANY = 5, 30
"""Numbers of near names that a message suggests, and of names that it lists at most."""
ALLOWED = "; allowed: "
"""What stands in messages between a value and what may stand in its place."""


def suggestion(value: object, allowed: Iterable[object]) -> str:
    """End a message about a `value` that is not `allowed`: with the nearest name, and all names or, of many, a few."""
    names = [str(name) for name in allowed]
    close = difflib.get_close_matches(str(value), names, NEAR)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    if len(names) > MANY:
        near = f"near are {', '.join(close)}; " if close[1:] else ""
        return f"{meant} ({near}{len(names)} are declared, in config.yaml and files of your own)"
    return f"{meant} (allowed: {', '.join(names) or 'none is declared'})"


Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], values: object, where: str, context: dict[str, Any] | None = None) -> Model:
    """Check plain values (from YAML or JSON) against `model`.

    Args:
        values: nested dicts, lists, numbers and strings.
        where: what a message calls the outermost level, such as `config.yaml`.
        context: the whole config, where `values` are a part of it.

    Raises:
        InputError: naming every key that does not fit, its value and what is allowed.
    """
    try:
        around = context or (values if isinstance(values, dict) else {})
        return model.model_validate_json(json.dumps(values, default=str), context=around)
    except ValidationError as error:
        problems = [dict(problem) for problem in error.errors()]
        lines = _joined(_explain(model, values, problem, problems) for problem in problems)
        raise InputError(f"{where}: " + "\n".join(lines)) from error


def parse_argument(model: type[Model], text: str, where: str) -> Model:
    """Check the value of a command line option: one line of JSON, or the path of a JSON file.

    Raises:
        InputError: if it is neither, or does not fit the model.
    """
    return parse(model, argument_values(text, where), where)


def argument_values(text: str, where: str) -> object:
    """Plain values from one line of JSON, or from the JSON file of that name.

    Raises:
        InputError: if it is neither.
    """
    try:
        return json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(
            f"{where} is {text!r}; allowed: one line of JSON, or the path of a JSON file ({error})"
        ) from error


def _joined(lines: Iterable[str]) -> list[str]:
    """Join lines about one value that may have several forms, each of which allows something else."""
    found: dict[str, list[str]] = {}
    for line in filter(None, dict.fromkeys(lines)):
        value, separator, allowed = line.partition(ALLOWED)
        found.setdefault(value + separator, []).append(allowed)
    return [beginning + ", or ".join(allowed) for beginning, allowed in found.items()]


def _explain(model: type[BaseModel], values: object, problem: dict[str, Any], problems: list[dict[str, Any]]) -> str:
    """Explain a problem in one line, or a missing entry in place of its keys; empty if other problems explain it."""
    path, holder, node = _locate(model, problem["loc"])
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    value, kind = problem["input"], problem["type"]
    if kind == "value_error":
        message = str(problem["ctx"]["error"])
        return f"{key}: {message}" if key else message
    if kind == "extra_forbidden":
        return f"{key}: unknown key{suggestion(path[-1], holder.get('properties', {}))}"
    if kind in ("missing", "union_tag_not_found"):
        around = problem["loc"][:-1] if kind == "missing" else problem["loc"]
        missing = sum(other["type"] == kind and other["loc"][: len(around)] == around for other in problems)
        key = key if kind == "missing" else f"{key}.source"
        return (
            _meant(values, around, missing) or f"{key}: missing; add it (see rules/config.schema.yaml for its meaning)"
        )
    if kind == "union_tag_invalid":
        return f"{key}.source is {problem['ctx']['tag']!r}; allowed: {problem['ctx']['expected_tags']}"
    if kind == "too_short" and len(value) >= problem["ctx"]["min_length"]:
        return ""  # what is wrong with its items is said of them
    allowed = problem["msg"].removeprefix("Input should be ").replace("False", "false")  # as YAML writes it
    if kind in ("tuple_type", "too_short"):
        allowed = f"a list of at least {problem['ctx']['min_length']}" if kind == "too_short" else "a list"
        allowed += ", such as [0, 1]" if path[-1] == "seeds" else ""
    if kind == "string_pattern_mismatch":
        allowed = "letters, digits, '_', '.' and '-', a letter or digit first"
    if kind in ("float_type", "int_type") and isinstance(value, str):
        allowed += _as_number(value, whole=kind == "int_type")
    if kind.startswith(("greater_than", "less_than")):
        allowed += _probable(path, value, node)
    return f"{key} is {value!r}{ALLOWED}{allowed}"


def _meant(values: object, holder: tuple[str | int, ...], missing: int) -> str:
    """Explain an entry that lacks most keys, if its name is nearly that of another one; else return an empty text."""
    if len(holder) != 2 or not isinstance(values, dict) or len(values[holder[0]][holder[1]]) > missing:
        return ""
    close = difflib.get_close_matches(str(holder[1]), [name for name in values[holder[0]] if name != holder[1]], 1)
    return f"{holder[0]}.{holder[1]}: most of its keys are missing; did you mean {close[0]!r}?" if close else ""


def _probable(path: list[str | int], value: float, node: dict[str, Any]) -> str:
    """Say what a number out of bounds probably was: on another scale, or with the point elsewhere; empty if unknown."""
    if {"mean", "std"} & {*path}:
        return f"; the scale is from 0 to 1, and {value:g} of 255 is {value / 255:.4g}" if 10 <= value <= 255 else ""
    usual = next((form["examples"][0] for form in (node, *node.get("anyOf", ())) if "examples" in form), None)
    if usual is None or value <= 0:
        return ""
    meant = Decimal(str(value)).scaleb(round(math.log10(usual / value)))
    return f"; did you mean {meant.normalize():f}?" if meant != Decimal(str(value)) else f", such as {usual:g}"


def _as_number(text: str, whole: bool) -> str:
    """Say how to write the number in `text` so that YAML reads it as a number; empty if it is none."""
    if text == "None":
        return "; YAML writes None as null"
    try:
        number = Decimal(text)
    except InvalidOperation:
        return ""
    written = f"{number:f}"
    if not number.is_finite() or (whole and not written.isdigit()):
        return ""
    return f", {written} without quotes" if written == text else f"; YAML reads {text} as text: write {written}"


def _locate(
    model: type[BaseModel], location: tuple[str | int, ...]
) -> tuple[list[str | int], dict[str, Any], dict[str, Any]]:
    """Reduce pydantic's `location` to keys, and find the JSON schemas of what holds the last one, and of its value.

    Where a value has several forms, pydantic names the form that it took after the key.
    """
    schema = model.model_json_schema()
    path: list[str | int] = []
    node: dict[str, Any] = schema
    holder = node
    for part in location:
        if part == "[key]":  # pydantic's word where the key itself is wrong
            continue
        forms = node.get("discriminator", {}).get("mapping", {})
        if part in forms:
            node = schema["$defs"][forms[part].rsplit("/", 1)[1]]
            continue
        if isinstance(part, str) and part.startswith("<"):
            node = schema["$defs"].get(part.strip("<>"), {})
            continue
        if isinstance(part, str) and _is_choice(node):
            continue
        path.append(part)
        holder = node = _resolve(node, schema)
        if isinstance(part, int):
            node = [*node.get("prefixItems", ()), *[node.get("items", {})] * (part + 1)][part]
        elif part in node.get("properties", {}):
            node = node["properties"][part]
        elif isinstance(node.get("additionalProperties"), dict):
            node = node["additionalProperties"]
        elif "patternProperties" in node:
            node = next(iter(node["patternProperties"].values()))
    return path, holder, node


def _is_choice(node: dict[str, Any]) -> bool:
    """Whether a value has one of several forms, none of which has keys."""
    forms, inner = node.get("anyOf", ()), {"$ref", "properties", "patternProperties", "additionalProperties", "items"}
    return bool(forms) and inner.isdisjoint(key for form in forms for key in form)


def _resolve(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for option in (node, *node.get("anyOf", ())):
        if "$ref" in option:
            target: dict[str, Any] = schema["$defs"][option["$ref"].rsplit("/", 1)[1]]
            return target
    return node


def fields(model: type[BaseModel]) -> dict[str, str]:
    """Collect the meaning of each key of a model; keys of a model inside it are called `outer.inner`."""
    meanings: dict[str, str] = {}
    for name, field in model.model_fields.items():
        meanings[name] = field.description or ""
        for form in _models(field.annotation):
            meanings |= {f"{name}.{inner}": meaning for inner, meaning in fields(form).items()}
    return meanings


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Find all models in a type, such as the members of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
