"""The config as a user gives it: files, and single settings on the command line of Snakemake."""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml

from pdarts.errors import InputError


def check_files(arguments: Sequence[str]) -> None:
    """End with one line if a config file or setting of a call of Snakemake cannot be read, before Snakemake reads it.

    Args:
        arguments: of the call.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", type=Path, default=[])
    parser.add_argument("--config", "-C", nargs="*", default=[])
    parser.add_argument("--directory", "-d", type=Path, default=Path())
    given, _ = parser.parse_known_args(arguments)
    own = given.directory / "config.yaml"
    try:
        if not own.exists() and not given.configfile:
            raise InputError(
                f"there is no config.yaml in {given.directory.resolve()}; call Snakemake in the folder of its "
                "Snakefile, or name that folder by --directory"
            )
        for path in [*([own] if own.exists() else []), *given.configfile]:
            if not (path.is_fifo() or path.is_char_device()):  # these can be read only once
                read_file(path)
        with_settings({}, given.config)
    except InputError as error:
        sys.exit(f"error: {error}")


def read_file(path: Path) -> Mapping[str, Any]:
    """Read a config file.

    Raises:
        InputError: if it cannot be read, or holds no keys; with the number of the line, where there is one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: this config file cannot be read ({error.strerror})") from error
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not UTF-8; save this config file with that encoding") from error
    values = _json(text) or _yaml(text, str(path))
    if values is None:
        raise InputError(
            f"{path}: this config file holds no keys; write some, such as those of config.yaml, or leave it out"
        )
    if not isinstance(values, Mapping):
        raise InputError(f"{path}: no keys with values, such as those of config.yaml")
    return values


def with_settings(values: Mapping[str, Any], entries: Sequence[str]) -> dict[str, Any]:
    """Lay single settings over a config, each value read as in a file; Snakemake leaves numbers in them as text.

    Args:
        values: the config without them, or with their text.
        entries: `KEY=VALUE`, the value in YAML, as after `snakemake --config`.

    Raises:
        InputError: if one is not `KEY=VALUE`, or its value is not YAML.
    """
    for entry in entries:
        key, equals, value = entry.partition("=")
        if not equals:
            raise InputError(f"--config: {entry!r} is not KEY=VALUE, such as 'repeats={{retrainings: 10}}'")
        if not key.isidentifier():
            nested = value
            for part in reversed(key.split(".")[1:]):
                nested = f"{{{part}: {nested}}}"
            raise InputError(f"--config: {key!r} is not a key of the config; write '{key.split('.')[0]}={nested}'")
        values = merged(values, {key: _yaml(value, f"--config {entry!r}")})
    return dict(values)


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `new` values over `old` ones, key by key at all depths."""
    return {
        key: merged(old[key], new[key])
        if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping)
        else new.get(key, old.get(key))
        for key in {**old, **new}
    }


def _json(text: str) -> Any:
    """Read JSON, which may be indented by tabs; None if it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _yaml(text: str, where: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except InputError as error:
        raise InputError(f"{where}, {error}") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        advice = "indent with spaces" if "'\\t'" in str(error.problem) else "mend it, a bracket may be open"
        raise InputError(f"{where}{line}: not YAML ({error.problem}); {advice}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{where}: not YAML ({' '.join(str(error).split())})") from error


class _Loader(yaml.SafeLoader):
    """A loader that refuses a key which stands twice, of which the first would be lost, and numbers of other bases.

    Dates are refused, since no setting is one.
    """

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        number: int = super().construct_yaml_int(node)
        if not re.fullmatch(r"[-+]?(0|[1-9][0-9_]*)", node.value):
            line = node.start_mark.line + 1
            raise InputError(f"line {line}: YAML reads {node.value} as {number}; write it as a decimal number")
        return number

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> NoReturn:
        line = node.start_mark.line + 1
        raise InputError(f"line {line}: YAML reads {node.value} as a date; put text in quotes")

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            where = f"line {key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise InputError(f"{where}: a key is a word, not braces or brackets; put text in quotes")
            if key.value in seen:
                raise InputError(f"{where}: {key.value} stands here a second time; keep one of them")
            seen.add(key.value)
        return node


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)
