"""Files that genotypes come from: stages of searches, draws, published cells, a choice among seeds."""

import shlex
import time
from datetime import timedelta
from pathlib import Path

from pdarts import paths
from pdarts.errors import InputError
from pdarts.paths import number_in, variant
from pdarts.settings.config import Config
from pdarts.settings.searches import Search
from pdarts.settings.trainings import DrawnCell, FromRandomSearch, FromSearch, RandomCells, Training
from pdarts.workflow.declared import declared, genotype_path

CLOCKS_DIFFER = 1.0
"""Seconds by which a file server's clock may be ahead."""


def previous_stage(config: Config, search: str, seed: str, stage: str) -> list[str]:
    """The file of the stage before; none for the first stage.

    Raises:
        InputError: if the search has no such stage.
    """
    number, stages = int(stage), len(declared(config, "searches", search).stages)
    if number > stages:
        raise InputError(f"searches.{search} has no stage {stage}; allowed: 1 to {stages}")
    return [] if number == 1 else [paths.STAGE.format(search=search, seed=seed, stage=number - 1)]


def stage_settings(config: Config, search: str, stage: str) -> str:
    """Settings of a stage as one line of JSON."""
    found: Search = declared(config, "searches", search)
    return found.stage_settings(int(stage)).model_dump_json()


def stage_files(config: Config, search: str, seed: str | int, template: str = paths.STAGE) -> list[str]:
    """A file of each stage of one seed of a search; `template` is one of `pdarts.paths` with these wildcards."""
    stages = range(1, len(declared(config, "searches", search).stages) + 1)
    return [template.format(search=search, seed=seed, stage=stage) for stage in stages]


def stages_of_seeds(config: Config, search: str, template: str = paths.STAGE) -> list[str]:
    """A file of each stage of all seeds of a search."""
    seeds = declared(config, "searches", search).seeds
    return [path for seed in seeds for path in stage_files(config, search, seed, template)]


def traces_of_seeds(config: Config, search: str) -> list[str]:
    """The trace of each seed of a search."""
    return [paths.TRACE.format(search=search, seed=seed) for seed in declared(config, "searches", search).seeds]


def stage_to_derive_from(config: Config, search: str, seed: str, variant: str) -> str:
    """The file of the last stage, or of the stage that the end of the genotype's name gives.

    Raises:
        InputError: if the search has no such stage.
    """
    stages = stage_files(config, search, seed)
    number = number_in(variant, "stage") or len(stages)
    if number > len(stages):
        raise InputError(f"searches.{search} has no stage {number}; allowed: 1 to {len(stages)}")
    return stages[number - 1]


def limit_in_name(config: Config, variant: str) -> str:
    """The option with the skip limit that the end of a genotype's name gives; empty if it gives none."""
    limit = number_in(variant, "skips")
    return "" if limit is None else f"--max-skips {limit}"


def skip_limit(config: Config, search: str, variant: str) -> str:
    """The option with the search's own skip limit, unless the genotype's name gives another."""
    own = declared(config, "searches", search).max_skips
    return limit_in_name(config, variant) or ("" if own is None else f"--max-skips {own}")


def seeds(config: Config, search: str) -> list[int]:
    """Seeds of a search."""
    return list(declared(config, "searches", search).seeds)


def genotypes_of_seeds(config: Config, search: str, variant: str) -> list[str]:
    """The genotype file of each seed of a search."""
    seeds = declared(config, "searches", search).seeds
    return [paths.GENOTYPE.format(search=search, seed=seed, variant=variant) for seed in seeds]


def validations(config: Config, search: str) -> list[str]:
    """Tests by which a seed is chosen, the same for every skip limit and stage; none if there is only one seed.

    Raises:
        InputError: if there are several seeds and nothing to choose by.
    """
    found: Search = declared(config, "searches", search)
    if len(found.seeds) == 1:
        return []
    if found.validation is None:
        raise InputError(
            f"searches.{search}: validation is null, so none of its {len(found.seeds)} seeds can be chosen"
        )
    return [paths.TEST.format(training=f"{search}-validation", seed=seed) for seed in found.seeds]


def seed_of(wanted: int | str, seed: int) -> int:
    """Seed of the search or draw that the genotype of a training's seed comes from."""
    return seed if wanted == "each" else int(wanted)


def seeds_behind(config: Config, genotype: FromSearch, seed: int) -> tuple[int, ...]:
    """Seeds of the search that the genotype of a training's seed comes from: all of them, if one was chosen."""
    if genotype.seed == "chosen":
        seeds: tuple[int, ...] = config.searches[genotype.search].seeds
        return seeds
    return (seed_of(genotype.seed, seed),)


def genotype_of(config: Config, training: str, seed: str | int) -> str:
    """The genotype file of one seed of a training."""
    found: Training = declared(config, "trainings", training)
    wanted = found.genotype
    if isinstance(wanted, str):
        return from_outside(genotype_path(wanted))
    if isinstance(wanted, RandomCells):
        drawn = seed_of(wanted.random, int(seed))
        return paths.RANDOM_GENOTYPE.format(seed=drawn, variant=variant(wanted.max_skips))
    if isinstance(wanted, DrawnCell):
        return paths.DRAWN_GENOTYPE.format(random_search=wanted.random_search, draw=seed_of(wanted.draw, int(seed)))
    if isinstance(wanted, FromRandomSearch):
        return paths.BEST_DRAW.format(random_search=wanted.random_search, seed=seed_of(wanted.seed, int(seed)))
    ending = variant(wanted.max_skips, wanted.stage)
    if wanted.seed == "chosen":
        return paths.CHOSEN_GENOTYPE.format(search=wanted.search, variant=ending)
    return paths.GENOTYPE.format(search=wanted.search, seed=seed_of(wanted.seed, int(seed)), variant=ending)


def genotype_of_checkpoint(config: Config, checkpoint: str) -> str:
    """The genotype file that belongs to weights that others trained."""
    return from_outside(genotype_path(declared(config, "checkpoints", checkpoint).genotype))


def weights_of_checkpoint(config: Config, checkpoint: str) -> str:
    """The weights file of a checkpoint, which no job makes.

    Raises:
        InputError: if it is not there, or dated in the future.
    """
    found = declared(config, "checkpoints", checkpoint)
    if not Path(found.file).exists():
        raise InputError(
            f"checkpoints.{checkpoint}: there is no {found.file}; get the file ({found.origin}) and put it there, or "
            "name the path of yours under file"
        )
    return from_outside(found.file)


def from_outside(file: str) -> str:
    """Return the path of a file that no job makes.

    Raises:
        InputError: if it is dated in the future. Snakemake would delete what a job makes of it, as older than the file.
    """
    path, now = Path(file), time.time()
    dated = max(path.stat().st_mtime, path.lstat().st_mtime)
    if dated > now + CLOCKS_DIFFER:
        raise InputError(
            f"{file} is dated {timedelta(seconds=round(dated - now))} in the future, and Snakemake would delete what "
            f"is made of it; if this computer's clock is right, run: touch {shlex.quote(file)}"
        )
    return file


def metrics_of_seeds(config: Config, training: str) -> list[str]:
    """The metrics file of each seed of a training."""
    seeds = declared(config, "trainings", training).seeds
    return [paths.METRICS.format(training=training, seed=seed) for seed in seeds]
