"""Files that are not what a step needs end in one message that names them; nothing is written."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pdarts.data import fashion_mnist
from pdarts.nets import saved
from pdarts.settings.datasets import Dataset
from pdarts.space.operations import CANDIDATES
from tests.by_hand import QUIET, call, search_arguments, stage_file, train_arguments, trained, write_manifest
from tests.configuration import CONFIG
from tests.genotypes import FOLDER


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return write_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda stage: stage["cells"]["normal"].pop(),
            "cells.normal must list the 14 edges by target node, then source",
        ),
        (lambda stage: stage["cells"].pop("reduction"), "cells.reduction is missing"),
        (
            lambda stage: stage["cells"]["normal"][2]["weights"].pop("none"),
            "every edge needs the same number of operations",
        ),
        (lambda stage: stage["cells"]["normal"][0]["weights"].update(none="a"), "edge [0, 2]: weights are"),
        (lambda stage: stage["cells"]["normal"][0]["weights"].update(none=float("nan")), "numbers from 0 to 1"),
        (lambda stage: stage["cells"]["normal"].reverse(), "cells.normal must list the 14 edges"),
    ],
)
@pytest.mark.parametrize("reader", ["derive", "search"])
def test_a_stage_file_that_is_none_is_refused(
    reader: str, change: Callable[[Any], object], message: str, tmp_path: Path, manifest: Path
) -> None:
    path = stage_file(tmp_path / "stage2.json", CANDIDATES[:5], {}, 2)
    stage = json.loads(path.read_text())
    change(stage)
    path.write_text(json.dumps(stage))
    end = read_stage(reader, path, manifest, tmp_path)
    assert end.startswith(f"error: {path}")
    assert message in end


@pytest.mark.parametrize("content", ["", '{"stage": 2, "cells": {"normal": [{"ed', "[]", "{}", "\0", "stage"])
@pytest.mark.parametrize("reader", ["derive", "search"])
def test_a_stage_file_that_is_cut_off_is_refused(reader: str, content: str, tmp_path: Path, manifest: Path) -> None:
    path = tmp_path / "stage2.json"
    path.write_text(content)
    assert read_stage(reader, path, manifest, tmp_path).startswith(f"error: {path}")


def read_stage(reader: str, path: Path, manifest: Path, folder: Path) -> str:
    """What a step that reads a stage file ends with; it writes nothing."""
    output = folder / "output.json"
    if reader == "derive":
        end = call("derive", "--stage", path, "--output", output, "--machine", QUIET)
    else:
        end = call("search", *search_arguments(manifest, folder, 3, "--previous", path))
    assert end is not None
    assert not output.exists()
    return end


@pytest.mark.parametrize(
    ("stage", "number", "message"),
    [
        (3, 1, "holds stage 1, but stage 3 needs that of stage 2"),
        (1, 2, "stage 1 takes no --previous"),
    ],
)
def test_stages_in_the_wrong_order_are_refused(
    stage: int, number: int, message: str, tmp_path: Path, manifest: Path
) -> None:
    previous = stage_file(tmp_path / "previous.json", CANDIDATES, {}, number)
    end = call("search", *search_arguments(manifest, tmp_path, stage, "--previous", previous))
    assert end is not None
    assert message in end


def test_a_stage_that_keeps_more_than_there_is_is_refused(tmp_path: Path, manifest: Path) -> None:
    previous = stage_file(tmp_path / "stage2.json", CANDIDATES[:2], {}, 2)
    end = call("search", *search_arguments(manifest, tmp_path, 3, "--previous", previous))
    assert end == f"error: operations is 3, but {previous} has 2; allowed: 2 to 2"


@pytest.mark.parametrize(
    ("search", "changes", "message"),
    [
        ("digits", {"operations": 3}, "operations is 3, but the first stage starts with all 8 candidates; write 8"),
        ("digits", {"frozen_epochs": 1}, "frozen_epochs is 1, but a stage has 1 epoch, so that alphas would never"),
        ("pc-darts-cifar10", {"channels": 18}, "channels is 18; allowed: multiples of partial_channels, which is 4"),
    ],
)
def test_a_stage_that_the_config_would_refuse_is_refused_by_hand_too(
    search: str, changes: dict[str, object], message: str, tmp_path: Path, manifest: Path
) -> None:
    settings = CONFIG.searches[search].stage_settings(1).model_dump(mode="json")
    small = {"cells": 1, "epochs": 1, "frozen_epochs": 0, "warmup_epochs": 0, "scored_epochs": 0}
    call_of = search_arguments(manifest, tmp_path, 1)
    call_of[call_of.index("--settings") + 1] = json.dumps({**settings, **small, **changes})
    end = call("search", *call_of)
    assert end is not None
    assert message in end


def test_held_out_images_of_another_dataset_are_refused(tmp_path: Path, manifest: Path) -> None:
    weights, output = tmp_path / "weights.pt", tmp_path / "test.json"
    assert call("train", *train_arguments(manifest, weights, train_portion=0.5)) is None
    (tmp_path / "fewer").mkdir()
    others = write_manifest(tmp_path / "fewer", images=48)
    end = call("test", "--data", others, "--weights", weights, "--output", output, "--machine", QUIET)
    assert end is not None
    assert end.startswith(f"error: {weights} was trained on a part of the images of another dataset than {others}")
    assert not output.exists()
    assert call("test", "--data", manifest, "--weights", weights, "--output", output, "--machine", QUIET) is None


def test_classes_in_another_order_are_refused(tmp_path: Path, manifest: Path) -> None:
    weights, output = tmp_path / "weights.pt", tmp_path / "test.json"
    assert call("train", *train_arguments(manifest, weights)) is None
    other = tmp_path / "other.json"
    values = json.loads(manifest.read_text())
    other.write_text(json.dumps(values | {"classes": values["classes"][::-1]}))
    end = call("test", "--data", other, "--weights", weights, "--output", output, "--machine", QUIET)
    assert end is not None
    assert end.startswith(f"error: {weights} calls class 0 '0', but {other} calls it '9'; test it on images whose")
    assert not output.exists()


def test_a_skip_limit_of_9_is_refused(tmp_path: Path) -> None:
    stage = stage_file(tmp_path / "stage3.json", CANDIDATES[:3], {})
    end = call("derive", "--stage", stage, "--max-skips", 9, "--output", tmp_path / "g.json", "--machine", QUIET)
    assert end == "error: --max-skips is 9; allowed: 0 to 8, the edges of a cell, or leave it out"


def test_images_other_than_those_of_the_manifest_are_refused(tmp_path: Path, manifest: Path) -> None:
    values = json.loads(manifest.read_text())
    values["splits"]["train"]["digest"] = "0" * 64
    manifest.write_text(json.dumps(values))
    end = call("search", *search_arguments(manifest, tmp_path, 1))
    assert end is not None
    assert re.match(
        r"error: digits: the train images in \S+ are not those of the manifest .* run pdarts.prepare again", end
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: b"", "not a whole weights file"),
        (lambda content: content[: len(content) // 2], "not a whole weights file"),
        (lambda content: b'{"top1": 97.0}', "not a whole weights file"),
        (lambda content: b"\x80\x02.", "not a whole weights file"),
        (lambda content: saved.dump({"stem.0.weight": torch.zeros(1)}), "not a weights file of pdarts.train"),
        (
            lambda content: None,
            "this weights file does not exist; pdarts.train makes your own, others' have to be put there",
        ),
    ],
)
def test_weights_that_are_none_are_refused(
    change: Callable[[bytes], bytes | None], message: str, tmp_path: Path, manifest: Path
) -> None:
    weights = trained(tmp_path, manifest)
    content = change(weights.read_bytes())
    weights.unlink() if content is None else weights.write_bytes(content)
    end = call("test", "--data", manifest, "--weights", weights, "--output", tmp_path / "test.json", "--machine", QUIET)
    assert end is not None
    assert end.startswith(f"error: {weights}: {message}")
    assert not (tmp_path / "test.json").exists()


@pytest.mark.parametrize(
    ("key", "change", "reason"),
    [
        ("genotype", json.loads((FOLDER / "DARTS_V2.json").read_text()), "do not fit its genotype and network"),
        ("network", {"channels": 3}, r"do not fit its genotype and network \(.*size mismatch for .{0,150} …\)"),
        ("network", {"channel": 2}, r"do not fit its genotype and network \(.*unexpected keyword argument 'channel'"),
        ("network", {"stem": "round"}, r"do not fit its genotype and network \('round'\)"),
        ("dataset", {"classes": ["0", "1", "2"]}, "has 10 classes, but its dataset has 3"),
    ],
)
def test_weights_whose_parts_do_not_fit_each_other_are_refused(
    tmp_path: Path, manifest: Path, key: str, change: dict[str, object], reason: str
) -> None:
    weights = trained(tmp_path, manifest)
    content = saved.load(weights)
    content[key] |= change
    weights.write_bytes(saved.dump(content))
    end = call("test", "--data", manifest, "--weights", weights, "--output", tmp_path / "test.json", "--machine", QUIET)
    assert end is not None
    assert end.startswith(f"error: {weights}: its ")
    assert re.search(reason, end)
    assert "pdarts.train" in end
    assert len(end) < 500


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda cell: cell["normal"].append(["sep_conv_3x3", 0]),
            "normal has 9 entries; allowed: two [operation, source]",
        ),
        (lambda cell: cell["normal"][1].__setitem__(0, "sep_conv_9x9"), "normal[1]: unknown operation 'sep_conv_9x9'"),
        (lambda cell: cell["reduce"][7].__setitem__(1, 6), "reduce[7]: source 6 does not come before node 5"),
        (lambda cell: cell.pop("reduce"), "a genotype has the keys normal, normal_concat, reduce, reduce_concat"),
        (
            lambda cell: cell["normal_concat"].append(7),
            "normal_concat is [2, 3, 4, 5, 7]; allowed: a list of intermediate",
        ),
    ],
)
@pytest.mark.parametrize("reader", ["train", "draw"])
def test_a_genotype_that_is_none_is_refused(
    reader: str, change: Callable[[Any], object], message: str, tmp_path: Path, manifest: Path
) -> None:
    path = tmp_path / "mine.json"
    cell = json.loads((FOLDER / "PDARTS.json").read_text())
    change(cell)
    path.write_text(json.dumps(cell))
    output = tmp_path / "output.svg"
    arguments = ["--genotype", path, "--output", output]
    if reader == "train":
        arguments = [*train_arguments(manifest, output), "--genotype", path]
    end = call(reader, *arguments)
    assert end is not None
    assert end.startswith(f"error: {path}: {message}")
    assert not output.exists()


def prepare(dataset: Dataset, root: Path, output: Path) -> str:
    machine = json.dumps({"download": False, "data_roots": {dataset.source: str(root)}})
    end = call("prepare", "--settings", dataset.model_dump_json(), "--machine", machine, "--output", output)
    assert end is not None
    assert not output.exists()
    return end


def test_missing_data_are_named_with_what_to_do(tmp_path: Path) -> None:
    end = prepare(CONFIG.datasets["fashion"], tmp_path / "fashion", tmp_path / "manifest.json")
    assert end.startswith(f"error: fashion_mnist: {tmp_path}/fashion/train-images-idx3-ubyte is not there")
    assert "set machine.data_roots.fashion_mnist in config.yaml" in end


@pytest.mark.parametrize(
    ("content", "message"),
    [(gzip.compress(bytes(1000))[:-10], "gzip says"), (gzip.compress(bytes(1000)), "1,000 bytes with sha256")],
    ids=["cut off", "others"],
)
def test_data_that_are_cut_off_or_others_are_named(content: bytes, message: str, tmp_path: Path) -> None:
    for name in fashion_mnist.SHA256:
        (tmp_path / f"{name}.gz").write_bytes(content)
    end = prepare(CONFIG.datasets["fashion"], tmp_path, tmp_path / "manifest.json")
    assert end.startswith(
        f"error: fashion_mnist: {tmp_path}/train-images-idx3-ubyte.gz is cut off or another file: {message}"
    )
    assert "delete it" in end


def test_a_batch_too_small_for_the_auxiliary_head_is_refused_before_the_first_epoch(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    end = call("train", *train_arguments(write_manifest(tmp_path, images=33), weights, auxiliary_weight=0.4))
    assert end is not None
    assert end.startswith(
        "error: batch_size is 32, so that a batch of the 33 images that train weights has 1 for 1 process"
    )
    assert end.endswith("; change batch_size, or leave images out with the dataset's train_images")
    assert not weights.exists()
    assert not weights.with_name("metrics.jsonl").exists()
