"""Writing of files that are whole or not there, and reading of JSON."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pdarts.errors import InputError


def write(path: Path, save: Callable[[Path], object]) -> None:
    """Let `save` write a temporary file beside `path`, then move it into place.

    Raises:
        OSError: if the folder cannot be written or the disk is full; what stood at `path` is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with naming(path):
            save(part)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an error that names no file, such as that of a full disk, the name of `path`."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content`, whole or not at all."""
    write(path, lambda part: part.write_bytes(content))


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON that a person can read, floats in full precision."""
    write_text(path, _readable(value, "\n") + "\n")


def _readable(value: object, line: str) -> str:
    """JSON with a line for every key, and lists in one line unless they hold keys."""
    if isinstance(value, dict) and value:
        items = (f"{json.dumps(key)}: {_readable(item, line + ' ')}" for key, item in value.items())
        return f"{{{line} {f',{line} '.join(items)}{line}}}"
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return f"[{line} {f',{line} '.join(_readable(item, line + ' ') for item in value)}{line}]"
    return json.dumps(value, allow_nan=False)


def read_json(path: Path, what: str, made_by: str) -> Any:
    """Parse the JSON file at `path`.

    Args:
        path: the file.
        what: what the file should be, for the message, such as `stage file`.
        made_by: the step that makes it anew, such as `pdarts.search`.

    Raises:
        InputError: if the file is missing, cut off or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: this {what} does not exist; {made_by} makes it") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path}: not a {what}, since it is no whole JSON ({error}); make it anew with {made_by}"
        ) from error
