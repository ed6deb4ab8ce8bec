"""The whole of `config.yaml`, and checks that its parts fit each other."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, ValidationError, model_validator

from pdarts.checking import parse, suggestion
from pdarts.data.catalog import SOURCES
from pdarts.errors import InputError
from pdarts.settings.augmentation import Augmentation, StreamedAugmentation, check_augmentation
from pdarts.settings.base import Named, Once, Settings, known
from pdarts.settings.checkpoints import Checkpoint
from pdarts.settings.datasets import Dataset, ImageFolder, image_size
from pdarts.settings.machine import Machine
from pdarts.settings.made import with_made_trainings
from pdarts.settings.random_searches import RandomSearch, draws_training
from pdarts.settings.recipes import AUXILIARY_SIZES, DIVISORS, Recipe
from pdarts.settings.repeats import Repeats
from pdarts.settings.requests import Request, Requests
from pdarts.settings.searches import AnySearch, Search
from pdarts.settings.tables import Table
from pdarts.settings.trainings import DrawnCell, FromRandomSearch, FromSearch, Training

ENTRIES = ("datasets", "searches", "random_searches", "recipes", "trainings", "checkpoints", "tables")
"""Keys of the config that hold entries by name."""


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
    random_searches: Named[RandomSearch] = {}
    """Random searches: the best of several random cells, by a short training of each."""
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

    def _check_random_search(self, name: str, search: RandomSearch) -> None:
        known(f"random_searches.{name}.dataset", search.dataset, self.datasets)
        known(f"random_searches.{name}.recipe", search.recipe, self.recipes)
        training = self.trainings.get(draws_training(name))
        if training is None:
            return  # what is wrong with it is said of it
        if training.genotype != DrawnCell(random_search=name, draw="each") or training.dataset != search.dataset:
            raise ValueError(
                f"trainings.{draws_training(name)} has another genotype or dataset than the draws of "
                f"random_searches.{name}, which it trains; override other keys of it, such as changes"
            )
        try:
            portion = self.recipe_of(training).train_portion
        except (KeyError, InputError):
            return  # so it is here
        if portion == 1:
            raise ValueError(
                f"random_searches.{name}.recipe is {search.recipe!r}, whose train_portion is 1, so that test images "
                "would decide which cell is best; name a recipe whose train_portion is below 1"
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

    def _check_table(self, name: str, table: Table) -> None:
        self._check_names(f"tables.{name}", table)
        self._check_trainings(f"tables.{name}", table)

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
                try:
                    portion = self.recipe_of(self.trainings[training]).train_portion
                except (KeyError, InputError):
                    continue  # what is wrong with the training is said of it
                if portion < 1:
                    raise ValueError(
                        f"{key}.rows[{index}] shows {training}, whose train_portion is {portion:g}, so that it is not "
                        "scored on test images; name a training whose train_portion is 1"
                    )

    def _check_origin(self, key: str, genotype: FromSearch, seeds: tuple[int, ...]) -> None:
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
        try:
            search.check_limit(genotype.max_skips)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error
        if genotype.stage is not None:
            known(f"{key}.stage", genotype.stage, range(1, len(search.stages) + 1))

    def _check_images(self, name: str, dataset: Dataset | ImageFolder) -> None:
        if isinstance(dataset, ImageFolder) or dataset.train_images is None:
            return
        present = SOURCES[dataset.source].train_images
        if dataset.train_images > present:
            raise ValueError(
                f"datasets.{name}.train_images is {dataset.train_images}, but {dataset.source} has {present} "
                f"training images; allowed: 1 to {present}, or null for all"
            )

    def _check_requests(self, name: str, requests: dict[str, Request]) -> None:
        known("requests.datasets: a dataset", name, self.datasets)
        for step in requests:
            known(f"requests.datasets.{name}: a step", step, Requests.model_fields.keys() - {"datasets"})

    def _check_root(self, name: str, root: str) -> None:
        folders = [dataset.folder for dataset in self.datasets.values() if isinstance(dataset, ImageFolder)]
        if name not in (names := list(dict.fromkeys([*SOURCES, *folders, *self.datasets]))):
            raise ValueError(f"machine.data_roots.{name}: unknown key{suggestion(name, names)}")

    def _check_search(self, name: str, search: Search) -> None:
        known(f"searches.{name}.dataset", search.dataset, self.datasets)
        self._check_augmentation(f"searches.{name}", search.dataset, search.augmentation)
        self._check_size(f"searches.{name}", search.dataset, search.stem)
        self._check_validation(name, search)

    def _check_training(self, name: str, training: Training) -> None:
        known(f"trainings.{name}.dataset", training.dataset, self.datasets)
        known(f"trainings.{name}.recipe", training.recipe, self.recipes)
        if isinstance(training.genotype, FromSearch):
            self._check_origin(f"trainings.{name}.genotype", training.genotype, training.seeds)
        if isinstance(training.genotype, FromRandomSearch | DrawnCell):
            key = f"trainings.{name}.genotype.random_search"
            known(key, training.genotype.random_search, self.random_searches)
        self._check_recipe(name, training)

    def _check_checkpoint(self, name: str, checkpoint: Checkpoint) -> None:
        known(f"checkpoints.{name}.dataset", checkpoint.dataset, self.datasets)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        checks: tuple[tuple[Callable[[str, Any], None], Mapping[str, Any]], ...] = (
            (self._check_images, self.datasets),
            (self._check_requests, self.requests.datasets),
            (self._check_root, self.machine.data_roots),
            (self._check_search, self.searches),
            (self._check_random_search, self.random_searches),
            (self._check_training, self.trainings),
            (self._check_checkpoint, self.checkpoints),
            (self._check_table, self.tables),
        )
        problems = []
        for check, entries in checks:
            for name, entry in entries.items():
                try:
                    check(name, entry)
                except ValueError as error:
                    problems.append(str(error))
        if problems:
            raise ValueError("\n".join(problems))
        return self


def parse_config(values: object) -> Config:
    """Check the whole config, with the trainings that rows of tables, validations and random searches make.

    Raises:
        InputError: as `parse`, also naming what does not fit together; if two tables make different trainings of one
            name.
    """
    if isinstance(values, dict):
        values = with_made_trainings(values)
    try:
        return parse(Config, values, "config")
    except InputError as error:
        raise InputError("\n".join([str(error), *_further(values, error.__cause__)])) from error


def _further(values: Any, error: BaseException | None) -> list[str]:
    """Find what does not fit among the entries that are valid; what may follow from an invalid one is left out."""
    locations = {problem["loc"] for problem in error.errors()} if isinstance(error, ValidationError) else set()
    if any(len(location) < 2 or location[0] not in ENTRIES for location in locations):
        return []
    invalid = {location[:2] for location in locations}
    valid = {
        key: {name: entry for name, entry in entries.items() if (key, name) not in invalid}
        if key in ENTRIES
        else entries
        for key, entries in values.items()
    }
    try:
        parse(Config, valid, "")
    except InputError as others:
        lines = str(others).removeprefix(": ").splitlines()
        follows = [text for _, name in invalid for text in (repr(name), f"machine.data_roots.{name}:")]
        return [line for line in lines if not any(text in line for text in follows)]
    return []
