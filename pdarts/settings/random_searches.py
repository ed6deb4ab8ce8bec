"""Random searches, each of which takes the best of several random cells."""

import hashlib
from typing import Annotated

from pydantic import Field

from pdarts.settings.base import Name, Settings, SkipLimit


class RandomSearch(Settings):
    """A random search: several random cells are trained for a short time, and the best one is its genotype."""

    dataset: Name
    """Name under `datasets` of the images that the short trainings learn from, and are scored on."""
    draws: Annotated[int, Field(ge=2, le=1000)]
    """Random cells that each seed of the random search chooses among; no two seeds share one."""
    max_skips: SkipLimit | None
    """Skip connections that the normal cell of each may have, 0 to 8; null for no limit."""
    recipe: Name
    """Name under `recipes` of the short trainings; its `train_portion` is below 1, and the other training images decide
    which cell is best."""


def draws_of(seed: int, draws: int) -> range:
    """Number the cells that a seed of a random search chooses among, if it has so many `draws`."""
    return range(seed * draws, (seed + 1) * draws)


def seed_of_draw(random_search: str, draw: int) -> int:
    """Derive the seed of the random cell with this number: 63 bits of the SHA-256 of `NAME/DRAW`.

    Every random search so has cells of its own, which rows of random cells, whose seeds are small, do not have either.
    """
    digest = hashlib.sha256(f"{random_search}/{draw}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def draws_training(random_search: str) -> str:
    """Name the training that trains every draw of a random search; its seeds are the numbers of the draws."""
    return f"{random_search}-draws"
