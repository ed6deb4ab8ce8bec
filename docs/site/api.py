"""What the pages on packages say, from docstrings: a section for each module."""

from collections.abc import Collection, Iterator
from importlib import import_module
from pkgutil import iter_modules


def package(name: str, without: Collection[str] = ()) -> str:
    """Describe a package and all its modules, in reStructuredText, without some of its folders."""
    text = f"\n.. automodule:: {name}\n"
    for module in _modules(name, without):
        title = module.removeprefix(f"{name}.")
        text += f"\n{title}\n{'-' * len(title)}\n\n.. automodule:: {module}\n   :members:\n"
    return text


def module(name: str) -> str:
    """Describe a module, in reStructuredText."""
    return f"\n.. automodule:: {name}\n   :members:\n"


def _modules(package: str, without: Collection[str]) -> Iterator[str]:
    for found in iter_modules(import_module(package).__path__, f"{package}."):
        if not found.ispkg:
            yield found.name
        elif found.name not in without:
            yield from _modules(found.name, without)
