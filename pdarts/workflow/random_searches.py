"""What random searches draw, and by which tests they choose."""

from pdarts import paths
from pdarts.settings.config import Config
from pdarts.settings.random_searches import draws_of, draws_training, seed_of_draw
from pdarts.workflow.declared import declared


def draws(config: Config, random_search: str, seed: str) -> list[int]:
    """Numbers of the draws among which a seed of a random search chooses."""
    return list(draws_of(int(seed), declared(config, "random_searches", random_search).draws))


def genotypes(config: Config, random_search: str, seed: str) -> list[str]:
    """The genotype file of each of these draws."""
    numbers = draws(config, random_search, seed)
    return [paths.DRAWN_GENOTYPE.format(random_search=random_search, draw=number) for number in numbers]


def tests(config: Config, random_search: str, seed: str) -> list[str]:
    """The test of each draw's short training."""
    training = draws_training(random_search)
    return [paths.TEST.format(training=training, seed=number) for number in draws(config, random_search, seed)]


def how_to_draw(config: Config, random_search: str, draw: str) -> str:
    """The options of `sample` that make it draw the cell with this number."""
    limit = declared(config, "random_searches", random_search).max_skips
    seed = f"--seed {seed_of_draw(random_search, int(draw))}"
    return seed if limit is None else f"{seed} --max-skips {limit}"
