"""Sections of the pages that describe packages: one for each module, from its docstrings."""

from collections.abc import Collection, Iterator
from importlib import import_module
from pkgutil import iter_modules


def modules(package: str, without: Collection[str] = ()) -> str:
    """Write a section for every module of a package, in reStructuredText, without some of its folders."""
    return "".join(
        f"\n{name}\n{'-' * len(name)}\n\n.. automodule:: {name}\n   :members:\n" for name in _names(package, without)
    )


def _names(package: str, without: Collection[str]) -> Iterator[str]:
    path = getattr(import_module(package), "__path__", None)
    if path is None:
        yield package
        return
    for found in iter_modules(path, f"{package}."):
        if found.name not in without:
            yield from _names(found.name, without)
