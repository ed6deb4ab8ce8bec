"""All of `config.yaml`, and what one part of it says of another."""

from typing import Annotated, Self

from pydantic import Discriminator, Field, model_validator

from pdarts.checking import parse, suggestion
from pdarts.data.catalog import SOURCES
from pdarts.errors import InputError
from pdarts.settings.augmentation import Augmentation, StreamedAugmentation, check_augmentation
from pdarts.settings.base import Named, Once, Settings, known
from pdarts.settings.checkpoints import Checkpoint
from pdarts.settings.datasets import Dataset, ImageFolder, image_size
from pdarts.settings.machine import Machine
from pdarts.settings.recipes import AUXILIARY_SIZES, DIVISORS, Recipe
from pdarts.settings.repeats import Repeats
from pdarts.settings.requests import Requests
from pdarts.settings.searches import AnySearch, Search
from pdarts.settings.tables import Row, Table
from pdarts.settings.trainings import FromSearch, Training

REHEARSED = "REHEARSAL"
"""The file that marks a results folder as a rehearsal's."""


class Config(Settings):
    """`config.yaml`: what exists, and where it runs. The target says what of it is built."""

    rehearsal: bool = False
    """Stamp all results as a rehearsal's, only in a folder that `pdarts.tools.rehearse` sets up, and always there."""
    extensions: Annotated[tuple[str, ...], Field(strict=False), Once] = ()
    """Your own Python files, relative to the working directory, that register operations, methods or schedules."""
    repeats: Repeats | None = None
    """Where `seeds` is a name in here, it stands for as many seeds, from 0 on; null where none is."""
    datasets: Named[Annotated[Dataset | ImageFolder, Discriminator("source")]]
    """Where images come from."""
    searches: Named[AnySearch]
    """From a dataset to genotypes."""
    recipes: Named[Recipe]
    """How evaluation networks are built and trained."""
    trainings: Named[Training]
    """A genotype, a dataset and a recipe."""
    checkpoints: Named[Checkpoint]
    """Weights that others trained."""
    tables: Named[Table]
    """What is set side by side."""
    requests: Requests
    """What jobs ask a scheduler for."""
    machine: Machine
    """Where the work runs."""

    def recipe_of(self, training: Training) -> Recipe:
        """The training's recipe with its own changes.

        Raises:
            InputError: if a change names no key of a recipe or gives it an impossible value.
        """
        merged = self.recipes[training.recipe].model_dump(mode="json") | training.changes
        return parse(Recipe, merged, "changes")

    @property
    def validations(self) -> dict[str, Training]:
        """The training that retrains the genotype of each seed of a search, to choose among them."""
        return {
            f"{name}-validation": Training(
                genotype=FromSearch(search=name, seed="each"),
                dataset=search.dataset,
                recipe=search.validation,
                seeds=search.seeds,
            )
            for name, search in self.searches.items()
            if search.validation is not None
        }

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
            if f"{name}-validation" in self.trainings:
                raise ValueError(
                    f"trainings.{name}-validation is what the validation of searches.{name} is called; rename it"
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

    def _check_row(self, where: str, row: Row) -> None:
        named = {} if row.training is None else {"training": row.training}
        named |= {f"trainings.{column}": training for column, training in row.trainings.items()}
        named |= {f"searches.{column}": training for column, training in row.searches.items()}
        for key, training in named.items():
            known(f"{where}.{key}", training, self.trainings)
            if (portion := self.recipe_of(self.trainings[training]).train_portion) < 1:
                raise ValueError(
                    f"{where}.{key} is {training!r}, whose train_portion is {portion:g}, so that it is not scored on "
                    "test images; name a training whose train_portion is 1"
                )
        for column, checkpoint in row.checkpoints.items():
            known(f"{where}.checkpoints.{column}", checkpoint, self.checkpoints)
        for column, training in row.searches.items():
            if not self.trainings[training].differs_by_seed:
                raise ValueError(
                    f"{where}.searches.{column} is {training!r}, whose seeds share a genotype; name a training with "
                    "genotype: {search: …, seed: each}, or {random: each, max_skips: …}"
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
            if name not in (places := list(dict.fromkeys([*SOURCES, *folders, *self.datasets]))):
                raise ValueError(f"machine.data_roots.{name}: unknown key{suggestion(name, places)}")
        for name, search in self.searches.items():
            known(f"searches.{name}.dataset", search.dataset, self.datasets)
            self._check_augmentation(f"searches.{name}", search.dataset, search.augmentation)
            self._check_size(f"searches.{name}", search.dataset, search.stem)
            self._check_validation(name, search)
        for name, training in {**self.validations, **self.trainings}.items():
            known(f"trainings.{name}.dataset", training.dataset, self.datasets)
            known(f"trainings.{name}.recipe", training.recipe, self.recipes)
            if isinstance(training.genotype, FromSearch):
                self._check_search(f"trainings.{name}.genotype", training.genotype, training.seeds)
            self._check_recipe(name, training)
        for name, checkpoint in self.checkpoints.items():
            known(f"checkpoints.{name}.dataset", checkpoint.dataset, self.datasets)
        for name, table in self.tables.items():
            for place, row in enumerate(table.rows):
                self._check_row(f"tables.{name}.rows[{place}]", row)
        return self


def parse_config(values: object) -> Config:
    """Check the whole config, and add the validations of its searches to its trainings.

    Raises:
        InputError: as `parse`.
    """
    config = parse(Config, values, "config")
    return config.model_copy(update={"trainings": config.trainings | config.validations})
