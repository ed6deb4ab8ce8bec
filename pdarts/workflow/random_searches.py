"""What random searches draw, and by which tests they choose."""

from pdarts import paths
from pdarts.settings.config import Config
from pdarts.settings.random_searches import draws_of, draws_training
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


def skip_limit(config: Config, random_search: str) -> str:
    """The option with the skip limit of a random search; empty if it has none."""
    limit = declared(config, "random_searches", random_search).max_skips
    return "" if limit is None else f"--max-skips {limit}"
