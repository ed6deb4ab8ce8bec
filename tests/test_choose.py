"""Held-out training images decide which of several searches is retrained; where they do not, the lowest seed."""

import json
from pathlib import Path

import pytest
from torchvision.datasets import CIFAR10

from pdarts.data.manifest import describe
from pdarts.errors import InputError
from pdarts.progressive.choice import choose
from pdarts.settings.config import Config, parse_config
from tests.by_hand import call, train_arguments
from tests.configuration import CONFIG
from tests.data.formats import accept_cifar, write_cifar10
from tests.genotypes import FOLDER
from tests.settings.test_trainings import with_genotype

CELLS = [FOLDER / "PDARTS.json", FOLDER / "DARTS_V2.json", FOLDER / "DARTS_V1.json"]


def validation(path: Path, top1: float, portion: float = 0.5) -> Path:
    path.write_text(json.dumps({"top1": top1, "images": 50, "settings": {"recipe": {"train_portion": portion}}}))
    return path


def written(folder: Path, *accuracies: float) -> list[Path]:
    return [validation(folder / f"{place}.json", accuracy) for place, accuracy in enumerate(accuracies)]


def test_the_best_genotype_is_copied_and_the_scores_are_kept(tmp_path: Path) -> None:
    tests = written(tmp_path, 71.0, 73.0, 72.0)
    output, choice = tmp_path / "genotype.json", tmp_path / "choice.json"
    given = ["--seeds", 4, 5, 6, "--genotypes", *CELLS, "--validations", *tests]
    assert call("choose", *given, "--output", output, "--choice", choice) is None
    assert json.loads(output.read_text()) == json.loads(CELLS[1].read_text())
    found = json.loads(choice.read_text())
    assert found["seed"] == 5
    assert [(one["seed"], one["top1"]) for one in found["candidates"]] == [(4, 71.0), (5, 73.0), (6, 72.0)]
    assert set(found["provenance"]["inputs"]) == {"seed4", "seed5", "seed6"}


@pytest.mark.parametrize("seeds", [(2, 1, 3), (1, 2, 3)])
def test_on_a_tie_the_lowest_seed_wins(seeds: tuple[int, ...], tmp_path: Path) -> None:
    assert choose(seeds, written(tmp_path, 70.0, 70.0, 60.0))["seed"] == 1


def test_one_search_needs_no_validation(tmp_path: Path) -> None:
    output, choice = tmp_path / "genotype.json", tmp_path / "choice.json"
    assert call("choose", "--seeds", 7, "--genotypes", CELLS[2], "--output", output, "--choice", choice) is None
    assert json.loads(output.read_text()) == json.loads(CELLS[2].read_text())
    assert json.loads(choice.read_text())["seed"] == 7


def test_test_images_decide_nothing(tmp_path: Path) -> None:
    tests = [validation(tmp_path / "0.json", 70.0), validation(tmp_path / "1.json", 99.0, portion=1.0)]
    with pytest.raises(InputError, match=r"1\.json was scored on test images, which must decide nothing"):
        choose((0, 1), tests)


def test_a_missing_validation_is_refused(tmp_path: Path) -> None:
    given = ["--seeds", 0, 1, "--genotypes", *CELLS[:2], "--validations", *written(tmp_path, 70.0)]
    message = call("choose", *given, "--output", tmp_path / "g.json", "--choice", tmp_path / "c.json")
    assert message is not None
    assert "--seeds has 2, --genotypes 2 and --validations 1 values" in message


def test_a_genotype_is_validated_while_the_test_images_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar10(tmp_path / "cifar10")
    accept_cifar(monkeypatch, CIFAR10, tmp_path / "cifar10")
    manifest = tmp_path / "cifar10.json"
    described = describe(CONFIG.datasets["cifar10"], tmp_path / "cifar10", download=False)  # type: ignore[arg-type]
    manifest.write_text(described.model_dump_json())
    (tmp_path / "cifar10/cifar-10-batches-py/test_batch").unlink()

    machine = json.dumps({"data_roots": {"cifar10": str(tmp_path / "cifar10")}, "wandb": {"mode": "disabled"}})
    weights, tested = tmp_path / "weights.pt", tmp_path / "test.json"
    for portion, message in ((0.75, None), (1.0, "test_batch is not there")):
        arguments = train_arguments(manifest, weights, train_portion=portion)
        assert call("train", *arguments, "--machine", machine) is None
        said = call("test", "--data", manifest, "--weights", weights, "--output", tested, "--machine", machine)
        assert said is None if message is None else message in str(said)
    assert json.loads(tested.read_text())["images"] == 25


def with_seeds(portion: float = 0.5, **search: object) -> Config:
    values = with_genotype({"search": "digits", "seed": "chosen"})
    values["searches"]["digits"] |= search
    values["recipes"]["digits-validation"]["train_portion"] = portion
    return parse_config(values)


def test_several_seeds_need_a_validation_to_be_chosen_from() -> None:
    assert set(with_seeds().trainings["digits-validation"].seeds) == {0, 1}
    with pytest.raises(
        InputError, match=r"seed is 'chosen', but searches\.digits has 2 seeds and no validation to choo"
    ):
        with_seeds(validation=None)
    with_seeds(validation=None, seeds=[3])


def test_a_validation_trains_on_what_trained_weights_in_the_search() -> None:
    with pytest.raises(
        InputError, match=r"'digits-validation', whose train_portion is 0\.4, but that of the search is"
    ):
        with_seeds(portion=0.4)
    with pytest.raises(InputError, match=r"searches\.digits\.validation is 'short', which does not exist"):
        with_seeds(validation="short")


def test_what_is_scored_on_held_out_images_is_no_row_of_a_table() -> None:
    values = with_genotype("PDARTS")
    values["trainings"]["digits"]["changes"] = {"train_portion": 0.5}
    with pytest.raises(InputError, match=r"rows\[0\] shows digits, whose train_portion is 0\.5, so that it is"):
        parse_config(values)
