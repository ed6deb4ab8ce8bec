"""Finds methods by the names that settings give them.

Methods are not imported by statements, so that a search depends on the code of its own method and of no other.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pdarts import extensions
from pdarts.checking import suggestion
from pdarts.errors import InputError
from pdarts.progressive.methods.darts import Method
from pdarts.settings.methods import METHODS, UNNAMED
from pdarts.settings.searches import StageSettings


def method_of(settings: StageSettings) -> Method:
    """The method of a stage, with its settings."""
    return method_named(settings.method)(settings)


def method_behind(stage: Mapping[str, Any], where: str) -> type[Method]:
    """The method that a stage file, parsed, was searched by.

    Args:
        stage: content of the file.
        where: name of the file, for messages.

    Raises:
        InputError: if it names a method that does not exist.
    """
    name = stage.get("settings", {}).get("method", UNNAMED)
    if name not in METHODS:
        raise InputError(f"{where}: settings.method is {name!r}{suggestion(name, METHODS)}")
    return method_named(name)


def method_named(name: str) -> type[Method]:
    """The method whose module has this name, or that an extension registers.

    Raises:
        InputError: if an extension registers something else under this name.
    """
    found = extensions.methods.get(name) or import_module(f"pdarts.progressive.methods.{name}").Method
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise InputError(f"method {name!r} is {found!r}; allowed: a class that derives from one of {Method.__module__}")
    return found
