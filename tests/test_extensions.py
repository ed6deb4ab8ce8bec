"""Operations, methods and schedules in files of a user's own."""

import importlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pdarts import extensions
from pdarts.checking import parse
from pdarts.engine.schedules import SCHEDULES, learning_rate
from pdarts.errors import InputError
from pdarts.nets import saved
from pdarts.nets.inference import Classifier
from pdarts.nets.network import Network
from pdarts.nets.operations import BUILDERS, Operation
from pdarts.progressive.method import method_named
from pdarts.progressive.methods import p_darts
from pdarts.settings.recipes import Recipe
from pdarts.settings.schema import schema
from pdarts.settings.searches import parse_stage
from pdarts.sources import fingerprint
from pdarts.space.genotype import Genotype
from tests.by_hand import QUIET, call, search_arguments, train_arguments, write_manifest
from tests.configuration import CONFIG, ROOT
from tests.engine.launching import torchrun
from tests.genotypes import published
from tests.own import BOUNDED, DOUBLED, FILES, HALVING, nothing_registered


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with the files, of which nothing is loaded yet."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    with nothing_registered():
        yield tmp_path


def own_cells() -> dict[str, object]:
    """P-DARTS' cells, an operation of the user's own among theirs."""
    cells = published("PDARTS").to_json()
    cells["normal"][0][0] = "doubled"
    return cells


def stage_settings(**changes: object) -> dict[str, object]:
    small = {"cells": 1, "channels": 2, "epochs": 1, "frozen_epochs": 0, "scored_epochs": 0}
    return CONFIG.searches["digits"].stage_settings(1).model_dump(mode="json") | small | changes


def own_settings(**changes: object) -> dict[str, object]:
    return stage_settings(**OWN, operations=3, **changes)


OWN: dict[str, object] = {
    "method": "bounded",
    "bound": 0.5,
    "schedule": "halving",
    "candidates": ["none", "skip_connect", "doubled"],
}


def test_what_a_file_registers_is_found_by_its_name_beside_what_the_package_has() -> None:
    extensions.load(FILES)
    assert issubclass(BUILDERS["doubled"], Operation)  # type: ignore[arg-type]
    assert "sep_conv_3x3" in BUILDERS
    assert issubclass(method_named("bounded"), p_darts.Method)
    assert method_named("p_darts") is p_darts.Method
    assert SCHEDULES["halving"](3, 10, 0.8, 0.0) == 0.1
    assert {*SCHEDULES} == {"cosine", "linear", "halving"}


def test_settings_and_genotypes_name_what_is_registered_and_refuse_it_where_it_is_not() -> None:
    with pytest.raises(InputError, match="method: 'bounded' is not a method of search"):
        parse_stage(stage_settings(**OWN | {"schedule": "cosine"}), "--settings")
    with pytest.raises(InputError, match=r"normal\[0\]: unknown operation 'doubled'; allowed: max_pool_3x3, "):
        Genotype.parse(own_cells(), "mine.json")
    extensions.load(FILES)
    stage = parse_stage(stage_settings(**OWN, operations=3), "--settings")
    assert (stage.method, stage.schedule, stage.model_dump()["bound"]) == ("bounded", "halving", 0.5)
    assert Genotype.parse(own_cells(), "mine.json").normal[0] == ("doubled", 0)
    recipe = CONFIG.recipes["digits"].model_copy(update={"schedule": "halving", "warmup_epochs": 0})
    assert parse(Recipe, recipe.model_dump(mode="json"), "recipe") == recipe
    assert learning_rate(recipe, 1) == recipe.optimizer.learning_rate / 2


def test_a_schedule_or_candidate_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(InputError, match="--settings: schedule is 'halving'; allowed: 'cosine' or 'linear'"):
        parse_stage(stage_settings(schedule="halving"), "--settings")
    extensions.load(["halving.py"])
    with pytest.raises(InputError, match=r"candidates\[1\] is 'doubled'; allowed: 'none', .* or 'conv_7x1_1x7'"):
        parse_stage(stage_settings(candidates=["none", "doubled"]), "--settings")
    with pytest.raises(InputError, match="schedule is 'halvin'; allowed: 'cosine', 'linear' or 'halving'"):
        parse_stage(stage_settings(schedule="halvin"), "--settings")


def test_keys_of_ones_own_method_are_required_and_checked_like_all_others() -> None:
    extensions.load(["bounded.py"])
    with pytest.raises(InputError, match="bound: missing"):
        parse_stage(stage_settings(method="bounded"), "--settings")
    with pytest.raises(InputError, match=r"bound is -1\.0; allowed: greater than 0"):
        parse_stage(stage_settings(method="bounded", bound=-1.0), "--settings")
    with pytest.raises(InputError, match="bound is a key of method bounded, but method is 'p_darts'; leave it out"):
        parse_stage(stage_settings(bound=0.5), "--settings")


def test_the_schema_lists_the_packages_names_for_editors() -> None:
    definitions = schema()["$defs"]
    search, recipe = definitions["Search"]["properties"], definitions["Recipe"]["properties"]
    assert "sep_conv_3x3" in search["candidates"]["items"]["examples"]
    assert search["schedule"]["examples"] == recipe["schedule"]["examples"] == ["cosine", "linear"]
    assert "p_darts" in search["method"]["examples"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            DOUBLED.replace('"doubled"', '"skip_connect"'),
            r"mine\.py:11: operation 'skip_connect' is taken by the package",
        ),
        (BOUNDED.replace('"bounded"', '"sdarts"'), r"mine\.py:17: method 'sdarts' is taken by the package"),
        (HALVING.replace('"halving"', '"cosine"'), r"mine\.py:6: schedule 'cosine' is taken by the package; choose"),
        (HALVING.replace('"halving"', '"my rate"'), r"mine\.py:6: schedule 'my rate': no name that can be written"),
        (DOUBLED, r"mine\.py:11: operation 'doubled' is taken by doubled\.py; choose another name"),
        (BOUNDED.replace("bound", "epochs"), r"mine\.py:17: method 'epochsed': every search has a key 'epochs'"),
        ("\nfrom nowhere import anything\n", r"mine\.py:2: ModuleNotFoundError: No module named 'nowhere'$"),
        ("def one(:\n    pass\n", r"mine\.py:1: SyntaxError: invalid syntax"),
        ("import json\n\n\ndef one():\n    json.loads('{')\n\n\none()\n", r"mine\.py:5: JSONDecodeError: Expecting"),
    ],
    ids=["operation", "method", "schedule", "blank", "other file", "key", "import", "syntax", "elsewhere"],
)
def test_a_file_that_cannot_be_loaded_is_refused_with_its_line(folder: Path, text: str, message: str) -> None:
    extensions.load(["doubled.py"])
    (folder / "mine.py").write_text(text)
    with pytest.raises(InputError, match=f"^extensions: {message}") as refused:
        extensions.load(["mine.py"])
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(InputError, match=r"extensions: min\.py cannot be read \(No such file or directory\); name a"):
        extensions.load(["min.py"])
    with pytest.raises(InputError, match=r"extensions: \. cannot be read \(Is a directory\)"):
        extensions.load(["."])


def test_a_file_that_is_imported_and_not_loaded_is_told_how(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder)
    with pytest.raises(
        InputError, match="schedule 'halving': its file is imported, not loaded; name it under extensions"
    ):
        importlib.import_module("halving")


def test_a_file_is_loaded_once_and_refused_where_it_has_changed_since(folder: Path) -> None:
    extensions.load(["halving.py", folder / "halving.py"])
    (folder / "halving.py").write_text(HALVING.replace("2**epoch", "3**epoch"))
    with pytest.raises(InputError, match=r"halving\.py has changed since it was loaded; start Python anew"):
        extensions.load(["halving.py"])


def test_what_runs_is_the_file_whose_bytes_count_whatever_is_compiled_beside_it(folder: Path) -> None:
    with nothing_registered():
        extensions.load(["halving.py"])
    (folder / "halving.py").write_text(HALVING.replace("2**epoch", "4**epoch"))  # within a second, of the same size
    extensions.load(["halving.py"])
    assert SCHEDULES["halving"](1, 10, 0.8, 0.0) == 0.2
    assert not (folder / "__pycache__").exists()


def test_files_behind_names_are_those_that_registered_them() -> None:
    extensions.load(FILES)
    found = extensions.behind(["doubled", "none"], ["p_darts"], ["halving"])
    assert [extension.file for extension in found] == ["doubled.py", "halving.py"]
    assert extensions.behind(["halving"], ["doubled"], ["cosine"]) == ()


def test_every_byte_of_a_file_counts_as_code_and_so_does_what_it_imports_from_the_package(folder: Path) -> None:
    without = fingerprint("train")
    with_file = fingerprint("train", extensions=["halving.py"])
    (folder / "halving.py").write_text(HALVING + "# faster\n")
    assert len({without, with_file, fingerprint("train", extensions=["halving.py"])}) == 3
    assert fingerprint("search", "bounded", extensions=["bounded.py"]) != fingerprint("search", "p_darts")
    with pytest.raises(ModuleNotFoundError):
        fingerprint("search", "bounded")


def test_an_operation_may_be_spared_by_drop_path(folder: Path) -> None:
    (folder / "doubled.py").write_text(DOUBLED.replace("    def __init__", "    spared = True\n\n    def __init__", 1))
    extensions.load(["doubled.py"])
    torch.manual_seed(0)
    genotype = Genotype.parse(
        {"normal": [["doubled", 0], ["doubled", 1]], "normal_concat": [2]}
        | {"reduce": [["doubled", 0], ["doubled", 1]], "reduce_concat": [2]},
        "mine.json",
    )
    network = Network(genotype, "cifar", 3, 2, 10, auxiliary=False).train()
    images = torch.randn(4, 3, 8, 8)
    torch.testing.assert_close(network(images, 0.9)[0], network(images, 0.0)[0], rtol=0, atol=0)


def test_a_search_by_hand_uses_operation_method_and_schedule_and_its_genotype_is_derived_and_drawn(
    folder: Path,
) -> None:
    manifest = write_manifest(folder)
    arguments = search_arguments(manifest, folder, 1)
    arguments[arguments.index("--settings") + 1] = json.dumps(own_settings())
    assert call("search", *arguments, "--extensions", *FILES) is None
    found = json.loads((folder / "output.json").read_text())
    assert found["settings"]["method"] == "bounded"
    assert "doubled" in found["cells"]["normal"][0]["weights"]
    assert found["provenance"]["code"] == fingerprint("search", "bounded", extensions=FILES)
    derive = ["--stage", "output.json", "--output", "genotype.json", "--machine", QUIET]
    assert call("derive", *derive, "--extensions", "doubled.py", "bounded.py") is None
    (folder / "mine.json").write_text(json.dumps(own_cells()))
    assert call("draw", "--genotype", "mine.json", "--output", "cells.svg", "--extensions", "doubled.py") is None
    assert ">doubled</text>" in (folder / "cells.svg").read_text()


def test_an_option_without_its_file_says_what_is_missing(folder: Path) -> None:
    manifest = write_manifest(folder)
    arguments = search_arguments(manifest, folder, 1)
    arguments[arguments.index("--settings") + 1] = json.dumps(own_settings())
    message = call("search", *arguments)
    assert message is not None
    assert message.startswith("error: --settings: method: 'bounded' is not a method of search")


def test_two_processes_search_like_one_with_the_same_files(folder: Path) -> None:
    manifest, settings = write_manifest(folder), own_settings(batch_size=16, processes=2)
    arguments = search_arguments(manifest, folder, 1, "--extensions", *FILES)
    arguments[arguments.index("--settings") + 1] = json.dumps(settings)
    command = [*torchrun(2), "pdarts.search", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "output.json").read_text())
    assert found["provenance"]["processes"] == 2
    assert found["provenance"]["code"] == fingerprint("search", "bounded", extensions=FILES)
    assert set(found["cells"]["normal"][0]["weights"]) == {"none", "skip_connect", "doubled"}


@pytest.fixture
def weights(folder: Path) -> Path:
    """Of a network with an operation of the user's own, whose file is no longer loaded."""
    (folder / "mine.json").write_text(json.dumps(own_cells()))
    arguments = train_arguments(write_manifest(folder), folder / "weights.pt", schedule="halving")
    arguments[arguments.index("--genotype") + 1] = "mine.json"
    with nothing_registered():
        assert call("train", *arguments, "--extensions", "doubled.py", "halving.py") is None
    return folder / "weights.pt"


def test_weights_record_the_files_of_their_operations_and_are_tested_with_them(folder: Path, weights: Path) -> None:
    data, output = folder / "digits.json", folder / "test.json"
    arguments = ["--data", data, "--weights", weights, "--output", output, "--machine", QUIET]
    message = call("test", *arguments)
    assert message is not None
    assert message.startswith(f"error: {weights}: its network has operations of doubled.py, which is not loaded; name ")
    assert call("test", *arguments, "--extensions", "doubled.py") is None
    assert json.loads(output.read_text())["genotype"]["normal"][0] == ["doubled", 0]
    (extension,) = extensions.behind(["doubled"])
    assert saved.load(weights)["extensions"] == {"doubled.py": extension.digest}


def test_a_classifier_names_the_file_that_it_needs(weights: Path) -> None:
    with pytest.raises(
        InputError, match=r"weights\.pt: its network has operations of doubled\.py, which is not loaded"
    ):
        Classifier.load(weights)
    images = torch.zeros(2, 3, 16, 16)
    assert Classifier.load(weights, extensions=["doubled.py"])(images).shape == (2, 10)


def test_a_classifier_refuses_a_file_that_changed_since(folder: Path, weights: Path) -> None:
    (folder / "doubled.py").write_text(DOUBLED.replace("FACTOR = 2", "FACTOR = 3"))
    with pytest.raises(InputError, match=r"weights\.pt: doubled\.py has changed since the network was trained with it"):
        Classifier.load(weights, extensions=["doubled.py"])


def test_a_classifier_takes_the_same_file_from_elsewhere(folder: Path, weights: Path) -> None:
    (folder / "doubled.py").rename(folder / "moved.py")
    assert Classifier.load(weights, extensions=[folder / "moved.py"]).classes == tuple(map(str, range(10)))
