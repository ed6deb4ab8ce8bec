"""The whole of `config.yaml`, and checks that its parts fit each other."""

import json
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, TypeAdapter, ValidationError, model_validator

from pdarts.checking import parse, suggestion
from pdarts.data.catalog import SOURCES
from pdarts.errors import InputError
from pdarts.settings.augmentation import Augmentation, StreamedAugmentation, check_augmentation
from pdarts.settings.base import Named, Once, Settings, known
from pdarts.settings.checkpoints import Checkpoint
from pdarts.settings.datasets import Dataset, ImageFolder, image_size
from pdarts.settings.machine import Machine
from pdarts.settings.recipes import AUXILIARY_SIZES, DIVISORS, Recipe
from pdarts.settings.repeats import Repeats, Seeds
from pdarts.settings.requests import Requests
from pdarts.settings.searches import AnySearch, Search
from pdarts.settings.tables import Table
from pdarts.settings.trainings import FromSearch, Training

SEEDS: TypeAdapter[tuple[int, ...]] = TypeAdapter(Seeds)


class Config(Settings):
    """`config.yaml`: everything that can be built, and where the work runs. The target decides what is built."""

    rehearsal: bool = False
    """Mark all results as a rehearsal's: true in folders that `pdarts.tools.rehearse` sets up, and false elsewhere."""
    extensions: Annotated[tuple[str, ...], Field(strict=False), Once] = ()
    """Your own Python files, relative to the working directory, that register operations, methods or schedules."""
    repeats: Repeats | None = None
    """Numbers of seeds, by names that `seeds` can give; each stands for that many seeds, from 0 on. Null for none."""
    datasets: Named[Annotated[Dataset | ImageFolder, Discriminator("source")]]
    """Where images come from."""
    searches: Named[AnySearch]
    """Searches, which turn a dataset into genotypes."""
    recipes: Named[Recipe]
    """How evaluation networks are built and trained."""
    trainings: Named[Training]
    """Trainings, which give a genotype and a dataset to a recipe."""
    checkpoints: Named[Checkpoint]
    """Weights that others trained."""
    tables: Named[Table]
    """Tables of results side by side."""
    requests: Requests
    """Resources that jobs ask a scheduler for."""
    machine: Machine
    """Where the work runs."""

    def recipe_of(self, training: Training) -> Recipe:
        """The training's recipe with its own changes.

        Raises:
            InputError: if a change names no key of a recipe or gives it an impossible value.
        """
        merged = self.recipes[training.recipe].model_dump(mode="json") | training.changes
        return parse(Recipe, merged, "changes")

    def _check_validation(self, name: str, search: Search) -> None:
        if search.validation is not None:
            known(f"searches.{name}.validation", search.validation, self.recipes)
            if search.division != "in_order" or search.alphas_portion is not None:
                raise ValueError(
                    f"searches.{name}.validation is {search.validation!r}, which trains on the first images and scores "
                    "on all others; it needs division: in_order and alphas_portion: null, or set it to null"
                )
            portion = self.recipes[search.validation].train_portion
            if portion != search.train_portion:
                raise ValueError(
                    f"searches.{name}.validation is {search.validation!r}, whose train_portion is {portion:g}, but "
                    f"that of the search is {search.train_portion:g}; name a recipe that trains on the same images"
                )

    def _check_recipe(self, name: str, training: Training) -> None:
        try:
            recipe = self.recipe_of(training)
        except InputError as error:
            raise ValueError(f"trainings.{name}.{error}") from error
        self._check_augmentation(f"trainings.{name}", training.dataset, recipe.augmentation)
        size, needed = image_size(self.datasets[training.dataset]), AUXILIARY_SIZES[recipe.stem]
        if recipe.auxiliary_weight is not None and size != needed:
            raise ValueError(
                f"trainings.{name}: auxiliary_weight is {recipe.auxiliary_weight}, but the auxiliary head of the "
                f"{recipe.stem} stem is made for {needed}-pixel images, and those of {training.dataset} have {size}; "
                "set it to null under changes, or in a recipe of its own"
            )
        self._check_size(f"trainings.{name}", training.dataset, recipe.stem)

    def _check_size(self, key: str, dataset: str, stem: str) -> None:
        size = image_size(self.datasets[dataset])
        if size % DIVISORS[stem]:
            raise ValueError(
                f"{key}: the {stem} stem and reduction cells divide the image size by {DIVISORS[stem]}, but images of "
                f"{dataset} have {size} pixels; set its image_size to a multiple of that"
            )

    def _check_augmentation(self, key: str, dataset: str, augmentation: Augmentation | StreamedAugmentation) -> None:
        try:
            check_augmentation(self.datasets[dataset], augmentation)
        except InputError as error:
            raise ValueError(f"{key}, on dataset {dataset}: {error}") from error

    def _check_names(self, key: str, table: Table) -> None:
        for name, column in table.columns.items():
            for noun, existing in (("dataset", self.datasets), ("recipe", self.recipes)):
                if (value := getattr(column, noun)) is not None:
                    known(f"{key}.columns.{name}.{noun}", value, existing)
        for index, row in enumerate(table.rows):
            searches = row.search.values() if isinstance(row.search, dict) else filter(None, [row.search])
            for search in searches:
                known(f"{key}.rows[{index}].search", search, self.searches)
            for noun, names in (("training", self.trainings), ("checkpoint", self.checkpoints)):
                if (value := getattr(row, noun)) is not None:
                    known(f"{key}.rows[{index}].{noun}", value, names)

    def _check_trainings(self, key: str, table: Table) -> None:
        for index, row in enumerate(table.rows):
            shown = [name for column, settings in table.columns.items() for name in row.trainings(column, settings)]
            for training in shown or filter(None, [row.training]):
                if (portion := self.recipe_of(self.trainings[training]).train_portion) < 1:
                    raise ValueError(
                        f"{key}.rows[{index}] shows {training}, whose train_portion is {portion:g}, so that it is not "
                        "scored on test images; name a training whose train_portion is 1"
                    )

    def _check_search(self, key: str, genotype: FromSearch, seeds: tuple[int, ...]) -> None:
        known(f"{key}.search", genotype.search, self.searches)
        search = self.searches[genotype.search]
        if genotype.seed == "chosen":
            if search.validation is None and len(search.seeds) > 1:
                raise ValueError(
                    f"{key}.seed is 'chosen', but searches.{genotype.search} has {len(search.seeds)} seeds and no "
                    "validation to choose by; name a recipe under its validation, or one of its seeds here"
                )
        else:
            for seed in seeds if genotype.seed == "each" else (genotype.seed,):
                known(f"{key}: seed", seed, search.seeds)
        if genotype.stage is not None:
            known(f"{key}.stage", genotype.stage, range(1, len(search.stages) + 1))

    @model_validator(mode="after")
    def _enough_images(self) -> Self:
        for name, dataset in self.datasets.items():
            if isinstance(dataset, ImageFolder):
                continue
            present = SOURCES[dataset.source].train_images
            if dataset.train_images is not None and dataset.train_images > present:
                raise ValueError(
                    f"datasets.{name}.train_images is {dataset.train_images}, but {dataset.source} has {present} "
                    f"training images; allowed: 1 to {present}, or null for all"
                )
        return self

    @model_validator(mode="after")
    def _requested_steps_exist(self) -> Self:
        for name, requests in self.requests.datasets.items():
            known("requests.datasets: a dataset", name, self.datasets)
            for step in requests:
                known(f"requests.datasets.{name}: a step", step, Requests.model_fields.keys() - {"datasets"})
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        folders = [dataset.folder for dataset in self.datasets.values() if isinstance(dataset, ImageFolder)]
        for name in self.machine.data_roots:
            if name not in (names := list(dict.fromkeys([*SOURCES, *folders, *self.datasets]))):
                raise ValueError(f"machine.data_roots.{name}: unknown key{suggestion(name, names)}")
        for name, search in self.searches.items():
            known(f"searches.{name}.dataset", search.dataset, self.datasets)
            self._check_augmentation(f"searches.{name}", search.dataset, search.augmentation)
            self._check_size(f"searches.{name}", search.dataset, search.stem)
            self._check_validation(name, search)
        for name, table in self.tables.items():
            self._check_names(f"tables.{name}", table)
        for name, training in self.trainings.items():
            known(f"trainings.{name}.dataset", training.dataset, self.datasets)
            known(f"trainings.{name}.recipe", training.recipe, self.recipes)
            if isinstance(training.genotype, FromSearch):
                self._check_search(f"trainings.{name}.genotype", training.genotype, training.seeds)
            self._check_recipe(name, training)
        for name, checkpoint in self.checkpoints.items():
            known(f"checkpoints.{name}.dataset", checkpoint.dataset, self.datasets)
        for name, table in self.tables.items():
            self._check_trainings(f"tables.{name}", table)
        return self


def parse_config(values: object) -> Config:
    """Check the whole config, with the trainings that rows of tables and validations of searches make.

    An entry under `trainings` overrides the one of its name that is made, key by key.

    Raises:
        InputError: as `parse`; if two tables make different trainings of one name.
    """
    if isinstance(values, dict) and isinstance(written := values.get("trainings", {}), dict):
        made = _validations(values) | _trainings_of_rows(values)
        both = {name: made.get(name, {}) | entry for name, entry in written.items() if isinstance(entry, dict)}
        values = {**values, "trainings": {**made, **written, **both}}
    return parse(Config, values, "config")


def _validations(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make plain settings, by name, of the trainings that choose among the seeds of each search."""
    return {
        f"{name}-validation": {
            "genotype": {"search": name, "seed": "each"},
            "dataset": search.get("dataset"),
            "recipe": search["validation"],
            "seeds": _seeds_of(search, values),
        }
        for name, search in _entries(values, "searches").items()
        if search.get("validation") is not None
    }


def _trainings_of_rows(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make plain settings, by name, of the trainings of all rows of tables.

    Args:
        values: the config as plain values, not checked yet; invalid tables make no trainings.
    """
    made: dict[str, tuple[str, dict[str, Any]]] = {}
    searches = _entries(values, "searches")
    for table, settings in _entries(values, "tables").items():
        try:
            parsed = Table.model_validate_json(json.dumps(settings, default=str), context=values)
        except ValidationError:
            continue  # the check of the whole config says why
        shown = [row.trainings(name, column) for row in parsed.rows for name, column in parsed.columns.items()]
        for name, training in (each for trainings in shown for each in trainings.items()):
            if training is not None:
                if training["seeds"] is None:
                    training["seeds"] = _seeds_of(searches.get(training["genotype"]["search"], {}), values)
                _check_same(name, made.setdefault(name, (table, training)), (table, training))
    return {name: training for name, (_, training) in made.items()}


def _check_same(name: str, one: tuple[str, dict[str, Any]], other: tuple[str, dict[str, Any]]) -> None:
    """Refuse two different trainings of one name, each given with its table."""
    for key, value in one[1].items():
        if other[1][key] != value:
            raise InputError(
                f"tables.{one[0]} and tables.{other[0]} both make a training {name}, with {key} {_shown(value)} and "
                f"{_shown(other[1][key])}; give one of the rows a name of its own, such as name: mine, or both the same"
            )


def _shown(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else repr(value)


def _seeds_of(search: dict[str, Any], values: dict[str, Any]) -> tuple[int, ...]:
    """Read the seeds of a search that is not checked yet; a single one if they are invalid, since its check says so."""
    try:
        return SEEDS.validate_json(json.dumps(search.get("seeds"), default=str), context=values)
    except ValidationError:
        return (0,)


def _entries(values: dict[str, Any], noun: str) -> dict[str, dict[str, Any]]:
    """Collect the entries under a first key of a config that is not checked yet, without those that hold no keys."""
    entries = values.get(noun)
    found = entries.items() if isinstance(entries, dict) else ()
    return {name: entry for name, entry in found if isinstance(entry, dict)}
