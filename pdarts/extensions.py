"""Operations, search methods and learning-rate schedules of the user's own.

A Python file registers them, and `extensions: [mine.py]` in the config names the file:

    from pdarts.extensions import schedule

    @schedule("halves")
    def halves(epoch, epochs, first, last):
        return first / 2 ** (4 * epoch // epochs)

What a file registers is found by its name, like the package's own. The whole file, as it is loaded, counts as code of
the steps that use any of it.
"""

import hashlib
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType
from typing import Any, TypeVar

from pdarts.errors import InputError
from pdarts.settings.methods import METHODS, MethodKeys
from pdarts.settings.optimization import SCHEDULES
from pdarts.settings.searches import Search, StageSettings
from pdarts.space.operations import OPERATIONS


@dataclass(frozen=True)
class Extension:
    """A file that was loaded."""

    file: str
    """Path of the file, as it was given."""
    digest: str
    """SHA-256 of the file's bytes."""


builders: dict[str, Callable[[int, int, bool], Any]] = {}
"""Builders of operations by name, like `pdarts.nets.operations.BUILDERS`."""

methods: dict[str, type[Any]] = {}
"""Search methods by name: subclasses of `pdarts.progressive.methods.darts.Method`; their keys are in `METHODS`."""

schedules: dict[str, Callable[[int, int, float, float], float]] = {}
"""Learning-rate schedules by name, like `pdarts.engine.schedules.SCHEDULES`."""

_loaded: dict[Path, Extension] = {}
_loading: list[Extension] = []
_origins: dict[tuple[str, str], Extension] = {}
"""Files by the kind and name that they registered."""

Builder = TypeVar("Builder", bound=Callable[[int, int, bool], Any])
Class = TypeVar("Class", bound=type[Any])
Schedule = TypeVar("Schedule", bound=Callable[[int, int, float, float], float])


def operation(name: str) -> Callable[[Builder], Builder]:
    """Register an `Operation` of `pdarts.nets.operations`, or a function that builds one of channels, stride, search.

    Args:
        name: as candidates and genotypes write it: letters, digits and '_', no digit first.

    Raises:
        InputError: if the name is taken or cannot be one.
    """

    def register(builder: Builder) -> Builder:
        _claim("operation", name, OPERATIONS, r"[A-Za-z_]\w*")
        OPERATIONS.append(name)
        builders[name] = builder
        return builder

    return register


def method(name: str, keys: type[MethodKeys] = MethodKeys) -> Callable[[Class], Class]:
    """Register a search method, a class that derives from one in `pdarts.progressive.methods`.

    Args:
        name: as `method` of a search.
        keys: what it adds to the settings of a search, each with a docstring that describes it.

    Raises:
        InputError: if the name, or one of a key, is taken or cannot be one.
    """

    def register(found: Class) -> Class:
        _claim("method", name, METHODS, r"[A-Za-z0-9][\w.-]*")
        taken = Search.model_fields.keys() | StageSettings.model_fields.keys()
        if both := sorted(keys.model_fields.keys() & taken):
            raise InputError(
                f"method {name!r}: every search has a key {both[0]!r}; give that of the method another name"
            )
        METHODS[name] = keys
        methods[name] = found
        return found

    return register


def schedule(name: str) -> Callable[[Schedule], Schedule]:
    """Register a learning-rate schedule: a function of the epoch from 0, the number of epochs, first and final rate.

    Args:
        name: as `schedule` of a search or recipe.

    Raises:
        InputError: if the name is taken or cannot be one.
    """

    def register(found: Schedule) -> Schedule:
        _claim("schedule", name, SCHEDULES, r"\w+")
        SCHEDULES.append(name)
        schedules[name] = found
        return found

    return register


def load(files: Iterable[str | Path]) -> None:
    """Import files, each once, so that what they register can be used.

    Raises:
        InputError: if one is missing or cannot be imported, with the number of its line; if it has changed since.
    """
    for file in files:
        path = Path(file)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(
                f"extensions: {file} cannot be read ({error.strerror}); name a Python file, relative to {Path.cwd()}"
            ) from error
        extension = Extension(str(file), hashlib.sha256(content).hexdigest())
        known = _loaded.get(path.resolve())
        if known is None:
            _import(extension, path, content)
            _loaded[path.resolve()] = extension
        elif known.digest != extension.digest:
            raise InputError(f"extensions: {file} has changed since it was loaded; start Python anew")


def named_in(config: object) -> list[str]:
    """List the files that a config names which is not checked yet; none if `extensions` is not a list."""
    named = config.get("extensions") if isinstance(config, dict) else None
    return [file for file in named if isinstance(file, str)] if isinstance(named, list) else []


def behind(
    operations: Iterable[str] = (), methods: Iterable[str] = (), schedules: Iterable[str] = ()
) -> tuple[Extension, ...]:
    """Find the files that registered any of these names, each once, in the order in which they were loaded."""
    kinds = {"operation": set(operations), "method": set(methods), "schedule": set(schedules)}
    return tuple(dict.fromkeys(found for (kind, name), found in _origins.items() if name in kinds[kind]))


def refuse_others(recorded: dict[str, str], where: str) -> None:
    """Refuse a network whose extensions are not loaded, or have changed since it was trained.

    Args:
        recorded: digests by file of the extensions that it was trained with.
        where: what the network is called, for messages.

    Raises:
        InputError: naming the first file that is missing or has changed.
    """
    digests = {extension.digest: extension.file for extension in _loaded.values()}
    names = {Path(file).name: file for file in digests.values()}
    for file, digest in recorded.items():
        if digest in digests:
            continue
        if changed := names.get(Path(file).name):
            raise InputError(
                f"{where}: {changed} has changed since the network was trained with it (SHA-256 {digest[:16]}…); "
                "restore it, or train anew"
            )
        raise InputError(
            f"{where}: its network has operations of {file}, which is not loaded; name that file: --extensions {file}, "
            f'or extensions=["{file}"] in Python'
        )


def _claim(kind: str, name: str, existing: Iterable[str], pattern: str) -> None:
    """Record that the file being loaded registers a name.

    Raises:
        InputError: if it cannot have that name, or is not loaded but imported.
    """
    if not _loading:
        raise InputError(
            f"{kind} {name!r}: its file is imported, not loaded; name it under extensions in the config, or load it by "
            "pdarts.extensions.load([FILE])"
        )
    if not isinstance(name, str) or not re.fullmatch(pattern, name, re.ASCII):
        raise InputError(f"{kind} {name!r}: no name that can be written everywhere; allowed: letters, digits and '_'")
    if name in existing:
        owner = _origins.get((kind, name))
        raise InputError(f"{kind} {name!r} is taken by {owner.file if owner else 'the package'}; choose another name")
    _origins[kind, name] = _loading[-1]


class _Loader(SourceFileLoader):
    """A loader of exactly the bytes whose digest was taken; it ignores compiled files beside them."""

    def __init__(self, name: str, path: Path, content: bytes) -> None:
        super().__init__(name, str(path))
        self.content = content

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.content, self.path)  # type: ignore[no-any-return,unused-ignore]


def _import(extension: Extension, path: Path, content: bytes) -> None:
    name = f"extension_{extension.digest[:16]}"
    spec = spec_from_loader(name, _Loader(name, path, content))
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = module_from_spec(spec)
    _loading.append(extension)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        reason = " ".join(str(error).split())
        kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
        raise InputError(f"extensions: {extension.file}{_line(error, path)}: {kind}{reason}") from error
    finally:
        _loading.pop()


def _line(error: Exception, path: Path) -> str:
    """Find the line of the file at which an error arose, such as `:12`; empty if that is unknown."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f":{error.lineno}"
    frames: Sequence[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f":{lines[-1]}" if lines else ""
