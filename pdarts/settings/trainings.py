"""Trainings, which give a genotype and a dataset to a recipe."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from pdarts.settings.base import Name, Positive, Settings, SkipLimit
from pdarts.settings.repeats import Seed, Seeds


class FromSearch(Settings):
    """A genotype that a search of this workflow derives, by default from its last stage and with its own skip limit."""

    search: Name
    """Name under `searches`."""
    seed: Seed | Literal["each", "chosen"]
    """Seed of the search; `each` gives every seed of the training the cell of the search with the same seed; `chosen`
    is the seed whose genotype does best in the search's `validation`, the lowest on a tie, or the only seed."""
    max_skips: SkipLimit | None = None
    """Another skip limit than the search's own, 0 to 8; not together with `stage`."""
    stage: Positive | None = None
    """Another stage than the last, from 1; the search's own skip limit holds."""

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        if self.max_skips is not None and self.stage is not None:
            raise ValueError(
                f"max_skips is {self.max_skips} and stage is {self.stage}; name one of them: a stage's cell is derived "
                "with the search's own skip limit"
            )
        return self


class RandomCells(Settings):
    """A genotype drawn at random, every cell of the search space being equally likely."""

    random: Seed | Literal["each"]
    """Seed of the draw; `each` draws a genotype for every seed of the training, with the same seed."""
    max_skips: SkipLimit | None
    """Skip connections that the normal cell may have, 0 to 8; null for no limit."""


class FromRandomSearch(Settings):
    """A genotype that a random search of this workflow chooses among its draws."""

    random_search: Name
    """Name under `random_searches`."""
    seed: Seed | Literal["each"]
    """Seed of the random search; `each` gives every seed of the training the cell of the same seed."""


class DrawnCell(Settings):
    """A genotype that a random search draws, chosen or not."""

    random_search: Name
    """Name under `random_searches`."""
    draw: Seed | Literal["each"]
    """Number of the draw; `each` gives every seed of the training the draw of that number."""


def _form_of_genotype(value: Any) -> str:
    if isinstance(value, str | Settings):
        return f"<{type(value).__name__}>"
    keys = value if isinstance(value, dict) else ()
    if "random_search" in keys:
        return "<DrawnCell>" if "draw" in keys else "<FromRandomSearch>"
    return "<RandomCells>" if "random" in keys else "<FromSearch>"


Genotype = Annotated[
    Annotated[str, Field(min_length=1), Tag("<str>")]
    | Annotated[FromSearch, Tag("<FromSearch>")]
    | Annotated[RandomCells, Tag("<RandomCells>")]
    | Annotated[FromRandomSearch, Tag("<FromRandomSearch>")]
    | Annotated[DrawnCell, Tag("<DrawnCell>")],
    Discriminator(_form_of_genotype),
]


class Training(Settings):
    """A training, which gives a genotype and a dataset to a recipe."""

    genotype: Genotype
    """A published cell (`PDARTS`), the path of a genotype file (`cells/mine.json`), what a search derives
    (`{search: …, seed: chosen}`, with `max_skips` or `stage` for another skip limit or stage), random cells
    (`{random: …, max_skips: …}`), or what a random search chooses (`{random_search: …, seed: …}`)."""
    dataset: Name
    """Name under `datasets`."""
    recipe: Name
    """Name under `recipes`."""
    changes: dict[str, Any] = {}
    """Keys of the recipe that this training overrides; a key that holds keys is given whole."""
    seeds: Seeds
    """Seeds, each of an independent training; a name under `repeats` stands for that many seeds, from 0 on."""

    @property
    def differs_by_seed(self) -> bool:
        """Whether each seed has a genotype of its own."""
        match self.genotype:
            case FromSearch(seed="each") | RandomCells(random="each"):
                return True
            case FromRandomSearch(seed="each") | DrawnCell(draw="each"):
                return True
        return False
