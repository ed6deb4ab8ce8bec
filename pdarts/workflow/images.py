"""What is known of a dataset's images before any job: from the config, or from a manifest that is there already."""

import json
from collections.abc import Mapping
from pathlib import Path

from pdarts import paths
from pdarts.data.catalog import SOURCES
from pdarts.errors import InputError
from pdarts.settings.config import Config
from pdarts.settings.datasets import Dataset, ImageFolder, image_size
from pdarts.settings.images import check_images
from pdarts.settings.recipes import Recipe
from pdarts.settings.searches import Search, StageSettings
from pdarts.workflow.declared import declared
from pdarts.workflow.needs import dataset_of


def manifest(config: Config, names: Mapping[str, str]) -> str:
    """The manifest of the dataset of a stage, training or checkpoint.

    Args:
        config: the whole config.
        names: of what the job belongs to, by the names of wildcards.

    Raises:
        InputError: if the images are known to be too few for the settings.
    """
    name = dataset_of(config, names)
    assert name is not None
    path = paths.MANIFEST.format(dataset=name)
    dataset, settings = config.datasets[name], _settings(config, names)
    if settings is None:
        return path
    classes = _classes(Path(path), dataset)
    if not classes and not (isinstance(settings, StageSettings) and settings.division == "by_class"):
        classes = _all_together(dataset)
    if classes:
        try:
            check_images(settings, image_size(dataset), classes)
        except InputError as error:
            key = f"searches.{names['search']}" if "search" in names else f"trainings.{names['training']}"
            raise InputError(f"{key}, on dataset {name}: {error}") from error
    return path


def _settings(config: Config, names: Mapping[str, str]) -> Recipe | StageSettings | None:
    """Find what a job trains by; None for one that trains nothing."""
    if "training" in names:
        return config.recipe_of(declared(config, "trainings", names["training"]))
    if "search" in names:
        search: Search = declared(config, "searches", names["search"])
        stage = int(names["stage"])
        return search.stage_settings(stage) if stage <= len(search.stages) else None
    return None


def _classes(manifest: Path, dataset: Dataset | ImageFolder) -> list[int]:
    """Read the number of training images of each class; empty if there is no manifest of these images."""
    try:
        values = json.loads(manifest.read_text(encoding="utf-8"))
        if any(values.get(key) != getattr(dataset, key) for key in ("source", "train_images")) or (
            isinstance(dataset, ImageFolder) and values.get("folder") != dataset.folder
        ):
            return []
        return [*values["splits"]["train"]["per_class"].values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # the step that reads it says what is wrong
        return []


def _all_together(dataset: Dataset | ImageFolder) -> list[int]:
    """Take the number of training images from the config; empty if only the files would tell."""
    if isinstance(dataset, ImageFolder):
        return [dataset.train_images] if dataset.train_images else []
    return [dataset.train_images or SOURCES[dataset.source].train_images]
