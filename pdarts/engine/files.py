"""Writing of files that are whole or not there, and reading of JSON."""

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pdarts.errors import InputError


def write(path: Path, save: Callable[[Path], object]) -> None:
    """Let `save` write a temporary file beside `path`, then move it into place.

    Raises:
        InputError: if `path` is empty.
        OSError: if the folder cannot be written or the disk is full; what stood at `path` is untouched.
    """
    _write({path: save})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together, as `write` does; none is moved into place before all are written."""
    _write({path: partial(_put, content) for path, content in contents.items()})


def _put(content: bytes, part: Path) -> None:
    part.write_bytes(content)


def _write(saves: Mapping[Path, Callable[[Path], object]]) -> None:
    for path in saves:
        if not path.name:
            raise InputError("a file to write is named ''; name a path, such as results/mine.json")
        path.parent.mkdir(parents=True, exist_ok=True)
    parts = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in saves}
    try:
        for path, save in saves.items():
            with _naming(path, parts[path]):
                if path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                save(parts[path])
        for path, part in parts.items():
            with _naming(path, part):
                part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


@contextmanager
def _naming(path: Path, part: Path) -> Iterator[None]:
    """Give an error that names no file, such as that of a full disk, or the temporary one, the name of `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is None or str(part) in (error.filename, error.filename2):
            error.filename = str(path)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content`, whole or not at all."""
    write_together({path: content})


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


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
        InputError: if the file is missing, cut off or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: this {what} does not exist; {made_by} makes it") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(
            f"{path}: not a {what}, since it is not whole JSON ({error}); make it anew with {made_by}"
        ) from error
