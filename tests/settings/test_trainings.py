"""Every form in which a training names its genotype, and a checkpoint its file, is checked before any job."""

import copy
from typing import Any

import pytest
import yaml

from pdarts.errors import InputError
from pdarts.settings.config import parse_config
from pdarts.settings.trainings import FromSearch, RandomCells
from tests.configuration import CONFIG, ROOT

VALUES = yaml.safe_load((ROOT / "config.yaml").read_text())


def with_genotype(genotype: object) -> Any:
    """The project's configuration, the training `digits` with another genotype."""
    values = copy.deepcopy(VALUES)
    values["trainings"]["digits"]["genotype"] = genotype
    return values


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("PDARTS", "PDARTS"),
        ({"search": "digits", "seed": "each"}, FromSearch(search="digits", seed="each")),
        ({"search": "digits", "seed": 1, "max_skips": 0}, FromSearch(search="digits", seed=1, max_skips=0)),
        ({"search": "digits", "seed": 0, "max_skips": 8}, FromSearch(search="digits", seed=0, max_skips=8)),
        ({"search": "digits", "seed": 0, "stage": 1}, FromSearch(search="digits", seed=0, stage=1)),
        ({"search": "digits", "seed": 0, "stage": 3}, FromSearch(search="digits", seed=0, stage=3)),
        ({"random": "each", "max_skips": None}, RandomCells(random="each", max_skips=None)),
        ({"random": 7, "max_skips": 2}, RandomCells(random=7, max_skips=2)),
    ],
)
def test_every_form_of_a_genotype_is_read(written: object, read: object) -> None:
    assert parse_config(with_genotype(written)).trainings["digits"].genotype == read


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        (
            {"search": "digits", "seed": 0, "max_skips": 9},
            "trainings.digits.genotype.max_skips is 9; allowed: less than or equal to 8",
        ),
        (
            {"search": "digits", "seed": 0, "max_skips": -1},
            "trainings.digits.genotype.max_skips is -1; allowed: greater than or equal to 0",
        ),
        (
            {"search": "digits", "seed": 0, "stage": 4},
            "trainings.digits.genotype.stage is 4, which does not exist (allowed: 1, 2, 3)",
        ),
        (
            {"search": "darts-first-order-cifar10", "seed": 0, "stage": 2},
            "trainings.digits.genotype.stage is 2, which does not exist (allowed: 1)",
        ),
        (
            {"search": "digits", "seed": 0, "stage": 0},
            "trainings.digits.genotype.stage is 0; allowed: greater than or equal to 1",
        ),
        (
            {"search": "digits", "seed": 0, "stage": 1, "max_skips": 3},
            "trainings.digits.genotype: max_skips is 3 and stage is 1; name one of them",
        ),
        ({"search": "digits", "seed": 5}, "trainings.digits.genotype: seed is 5, which does not exist"),
        (
            {"search": "digits", "sed": 0},
            "genotype.sed: unknown key; did you mean 'seed'? (allowed: search, seed, max_skips, stage)",
        ),
        ({"random": 0}, "trainings.digits.genotype.max_skips: missing; add it"),
        (
            {"random": 0, "max_skip": 2},
            "trainings.digits.genotype.max_skip: unknown key; did you mean 'max_skips'? (allowed: random, max_skips)",
        ),
        ({"random": "every", "max_skips": 2}, "trainings.digits.genotype.random"),
        ({"random": -1, "max_skips": 2}, "trainings.digits.genotype.random"),
        ({"random": 0, "max_skips": 9}, "trainings.digits.genotype.max_skips is 9; allowed: less than or equal to 8"),
        ({"random": 0, "max_skips": 2, "search": "digits"}, "trainings.digits.genotype.search: unknown key"),
        (3, "trainings.digits.genotype"),
    ],
)
def test_a_genotype_that_cannot_be_is_refused(genotype: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_config(with_genotype(genotype))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"dataset": "cifra10"},
            "checkpoints.mine.dataset is 'cifra10', which does not exist; did you mean 'cifar10'?",
        ),
        ({"path": "mine.pt"}, "checkpoints.mine.path: unknown key (allowed: file, origin, genotype, dataset)"),
        ({"genotype": {"search": "digits", "seed": 0}}, "checkpoints.mine.genotype is"),
        ({"file": ""}, "checkpoints.mine.file is ''"),
    ],
)
def test_a_checkpoint_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    values = copy.deepcopy(VALUES)
    values["checkpoints"]["mine"] = {**values["checkpoints"]["pdarts-cifar10"], **changes}
    with pytest.raises(InputError) as caught:
        parse_config(values)
    assert message in str(caught.value)


def trained(search: str) -> dict[tuple[int | None, int | None], str]:
    """Trainings on CIFAR-10 of one search's genotypes with the recipe `cifar`, by skip limit and stage."""
    return {
        (training.genotype.max_skips, training.genotype.stage): name
        for name, training in CONFIG.trainings.items()
        if isinstance(training.genotype, FromSearch)
        and (training.genotype.search, training.dataset, training.recipe, training.changes)
        == (search, "cifar10", "cifar", {})
    }


def test_the_skip_study_has_every_limit_with_and_without_dropout() -> None:
    with_dropout, without = CONFIG.searches["pdarts-cifar10"], CONFIG.searches["pdarts-cifar10-no-dropout"]
    assert with_dropout.max_skips == without.max_skips == 2
    for search in ("pdarts-cifar10", "pdarts-cifar10-no-dropout"):
        assert {(None, None), (3, None), (4, None)} <= set(trained(search))
    assert [stage.skip_dropout for stage in without.stages] == [0, 0, 0]
    bare = {stage: with_dropout.stages[stage].model_dump(exclude={"skip_dropout"}) for stage in range(3)}
    assert bare == {stage: without.stages[stage].model_dump(exclude={"skip_dropout"}) for stage in range(3)}
    assert with_dropout.model_dump(exclude={"stages"}) == without.model_dump(exclude={"stages"})


def test_the_depth_study_has_the_cell_of_every_stage() -> None:
    assert {(None, None), (None, 1), (None, 2)} <= set(trained("pdarts-cifar10"))
    assert CONFIG.trainings["darts-v2-on-cifar10"].genotype == "DARTS_V2"


def test_trainings_of_other_methods_differ_from_ours_in_the_genotype_alone() -> None:
    for dataset in ("cifar10", "cifar100"):
        ours = CONFIG.trainings[f"pdarts-cifar10-on-{dataset}"].model_dump(exclude={"genotype"})
        others = [
            name
            for name in CONFIG.trainings
            if name.endswith(f"-on-{dataset}") and not {"large", "each"} & set(name.split("-"))
        ]
        assert len(others) > 5
        for name in others:
            assert CONFIG.trainings[name].model_dump(exclude={"genotype"}) == ours, name
