"""Random cells by number, each from random numbers of its own."""

from pdarts.engine.seeds import derive_seed, random_cells
from pdarts.space.genotype import Genotype
from pdarts.space.sampling import sample


def drawn(seed: int, max_skips: int | None, random_search: str | None) -> Genotype:
    """Draw a random cell, the same one on every computer.

    Args:
        seed: seed of the random cell, or number of the draw of a random search.
        max_skips: skip connections that the normal cell may have; None for no limit.
        random_search: name of the random search, each of which has cells of its own; None for random cells by
            themselves.
    """
    own = seed if random_search is None else derive_seed(seed, "random search", random_search)
    return sample(random_cells(own, max_skips), max_skips)
