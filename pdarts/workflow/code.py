"""Hashes of the code that jobs are made of, and the extensions that they load."""

import shlex
from collections.abc import Iterable
from functools import cache

from pdarts import extensions
from pdarts.extensions import Extension
from pdarts.settings.config import Config
from pdarts.settings.trainings import FromSearch
from pdarts.sources import fingerprint
from pdarts.workflow.declared import declared, published_or_own

Extensions = tuple[Extension, ...]


@cache
def _hash(step: str, method: str | None, files: Extensions) -> str:
    return fingerprint(step, method, extensions=[extension.file for extension in files])


def search_code(config: Config, search: str) -> str:
    """Hash of a search's code: its method, no other's, and the extensions that it uses."""
    return _hash("search", declared(config, "searches", search).method, used_by_search(config, search))


def derivation_code(config: Config, search: str) -> str:
    """Hash of a derivation's code, which does not depend on what operations compute."""
    method = declared(config, "searches", search).method
    return _hash("derive", method, extensions.behind(methods=[method]))


def trace_code(config: Config, search: str) -> str:
    """Hash of a trace's code, which depends on the search's operations by their sizes."""
    return _hash("trace", declared(config, "searches", search).method, used_by_search(config, search))


def training_code(config: Config, training: str) -> str:
    """Hash of a training's code, with the extensions that it uses."""
    return _hash("train", None, used_by_training(config, training))


def test_code(config: Config, training: str) -> str:
    """Hash of the code of a training's test, with the same extensions."""
    return _hash("test", None, used_by_training(config, training))


def export_code(config: Config, training: str) -> str:
    """Hash of the code of a training's export, with the same extensions."""
    return _hash("export", None, used_by_training(config, training))


def used_by_search(config: Config, search: str) -> Extensions:
    """Extensions that hold a search's method, its schedule or one of its candidates."""
    found = declared(config, "searches", search)
    return extensions.behind(found.candidates, [found.method], [found.schedule])


def used_by_training(config: Config, training: str) -> Extensions:
    """Extensions that hold a training's schedule, or an operation that its genotype has or may come to have."""
    found = declared(config, "trainings", training)
    schedule, genotype = config.recipe_of(found).schedule, found.genotype
    if isinstance(genotype, FromSearch):
        return extensions.behind(config.searches[genotype.search].candidates, schedules=[schedule])
    if isinstance(genotype, str):
        operations = published_or_own(f"trainings.{training}.genotype", genotype).operations()
        return extensions.behind(operations, schedules=[schedule])
    return extensions.behind(schedules=[schedule])  # cells that are drawn have operations of the package alone


def used_by_checkpoint(config: Config, checkpoint: str) -> Extensions:
    """Extensions that hold an operation of the genotype of weights that others trained."""
    name = declared(config, "checkpoints", checkpoint).genotype
    return extensions.behind(published_or_own(f"checkpoints.{checkpoint}.genotype", name).operations())


def load_option(files: Iterable[str]) -> str:
    """The option that hands extensions to a step; empty without any."""
    words = [shlex.quote(file) for file in files]
    return " ".join(["--extensions", *words]) if words else ""


def for_search(config: Config, search: str) -> str:
    """The option with the extensions that a search uses."""
    return load_option(extension.file for extension in used_by_search(config, search))


def for_training(config: Config, training: str) -> str:
    """The option with the extensions that a training uses."""
    return load_option(extension.file for extension in used_by_training(config, training))


def for_checkpoint(config: Config, checkpoint: str) -> str:
    """The option with the extensions that weights of others use."""
    return load_option(extension.file for extension in used_by_checkpoint(config, checkpoint))


def for_all(config: Config) -> str:
    """The option with all extensions."""
    return load_option(config.extensions)
