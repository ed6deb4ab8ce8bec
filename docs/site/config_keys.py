"""Sections of the page on all keys that `config.yaml` may have, from the JSON schema of the settings."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pdarts.settings.schema import schema

Part = Mapping[str, Any]
"""A part of a JSON schema."""


def sections() -> str:
    """Write a section for the whole config and for each of its nouns, with every key once, in Markdown."""
    whole = schema()
    nouns: dict[str, Part] = {"Config": whole, **whole["$defs"]}
    places = _places(nouns)
    titles = {noun: _title(noun, nouns, places) for noun in places}
    return "".join(_section(noun, nouns[noun], places[noun][1:], titles) for noun in places)


def _places(nouns: Mapping[str, Part]) -> dict[str, list[str]]:
    """Find all places of each noun, such as `searches.NAME.stages[]`, in the order of the config."""
    places: dict[str, list[str]] = {}

    def visit(noun: str, place: str) -> None:
        new = noun not in places
        places.setdefault(noun, []).append(place)
        for key, value in nouns[noun]["properties"].items() if new else ():
            for inner, where in _nouns(value, f"{place}.{key}".lstrip(".")):
                visit(inner, where)

    visit("Config", "")
    return places


def _nouns(value: Part, place: str) -> Iterator[tuple[str, str]]:
    """Yield the nouns that a value may be, or hold by names or in a list, with their places."""
    if noun := _referred(value):
        yield noun, place
    for alternative in _alternatives(value):
        yield from _nouns(alternative, place)
    for entry in value.get("patternProperties", {}).values():
        yield from _nouns(entry, f"{place}.NAME")
    if "items" in value:
        yield from _nouns(value["items"], f"{place}[]")


def _title(noun: str, nouns: Mapping[str, Part], places: Mapping[str, Sequence[str]]) -> str:
    """Name a noun by its first place and, if others may stand there, by those of its keys that not all of them have."""
    place = places[noun][0]
    shared = set.intersection(*(set(nouns[other]["properties"]) for other in places if places[other][0] == place))
    own = [key for key in nouns[noun].get("required", ()) if key not in shared]
    several = sum(others[0] == place for others in places.values()) > 1
    return (f"`{place}`" if place else "The whole file") + (f" with {_list(own, 'and')}" if several and own else "")


def _section(noun: str, part: Part, others: Sequence[str], titles: Mapping[str, str]) -> str:
    also = f" The same keys stand under {_list(others, 'and')}." if others else ""
    text = f"\n(keys-{noun})=\n## {titles[noun]}\n\n{part['description']}{also}\n\n"
    for key, value in part["properties"].items():
        default = f"; by default {_literal(value['default'])}" if "default" in value else ""
        needed = "; required" if key in part.get("required", ()) else default
        description = value["description"].replace("\n", "\n  ")
        text += f"`{key}`{{#{target(noun, key)}}}\n: {_kind(value, titles)}{needed}\n\n  {description}\n\n"
    return text


def _kind(value: Part, titles: Mapping[str, str]) -> str:
    """Say which values are allowed."""
    if noun := _referred(value):
        return f"keys of {_link(noun, titles)}"
    if alternatives := _alternatives(value):
        return ", or ".join(_kind(alternative, titles) for alternative in alternatives)
    if "enum" in value or "const" in value:
        return _list(value.get("enum", [value.get("const")]), "or")
    if "prefixItems" in value:
        kinds = [_kind(item, titles) for item in value["prefixItems"]]
        same = len({*kinds}) == 1
        return f"a list of {len(kinds)} entries, each {kinds[0]}" if same else f"a list of {', '.join(kinds)}"
    match value["type"]:
        case "array":
            least = f"{value['minItems']} or more " if "minItems" in value else ""
            different = "different " if "uniqueItems" in value else ""
            return f"a list of {least}{different}entries, each {_kind(value['items'], titles)}"
        case "object" if "properties" in value:
            noun = next(iter(value["properties"].values()))["$ref"].split("/")[2]
            return f"any keys of {_link(noun, titles)}"
        case "object":
            (entry,) = value["patternProperties"].values()
            return f"entries by name, each {_kind(entry, titles)}"
        case "integer" | "number":
            return _number(value)
        case "string":
            such = f", such as {_list(value['examples'], 'or')}" if "examples" in value else ""
            return ("a name" if "pattern" in value else "text") + such
        case other:
            return {"boolean": "`true` or `false`", "null": "`null`"}[other]


def _number(value: Part) -> str:
    words = ["an integer" if value["type"] == "integer" else "a number"]
    if "multipleOf" in value:
        words = [f"a multiple of {value['multipleOf']}"]
    to, below = ("to", "to below") if "minimum" in value else ("and at most", "and below")
    limits = {"minimum": "from", "exclusiveMinimum": "above", "maximum": to, "exclusiveMaximum": below}
    return " ".join(words + [f"{word} {value[limit]:,}" for limit, word in limits.items() if limit in value])


def _list(values: Sequence[object], last: str) -> str:
    """Write values in backquotes, the word `last` before the last one."""
    texts = [_literal(value) for value in values]
    return f" {last} ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def _literal(value: object) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def target(noun: str, key: str) -> str:
    """Name the anchor of a key, in the characters that Markdown allows there."""
    return f"{noun}-{key}".lower().replace("_", "-")


def _link(noun: str, titles: Mapping[str, str]) -> str:
    return f"[{titles[noun]}](#keys-{noun})"


def _referred(value: Part) -> str | None:
    """Name the noun that a reference points to."""
    path = value.get("$ref", "").split("/")
    return path[2] if len(path) == 3 else None


def _alternatives(value: Part) -> list[Part]:
    return [*value.get("anyOf", ()), *value.get("oneOf", ())]
