"""Weights are read from our own files and from the reference implementation's; everything else is refused by name."""

import argparse
import json
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pdarts.errors import InputError
from pdarts.nets import saved
from pdarts.nets.network import Network
from tests.genotypes import published
from tests.nets.released import CASES, state, write_cifar, write_imagenet
from tests.reference import recorded
from tests.reference.comparison import close

CIFAR = [name for name, case in CASES.items() if case["kind"] == "cifar"]
IMAGENET = [name for name, case in CASES.items() if case["kind"] == "imagenet"]


def logits(path: Path, case: dict[str, Any]) -> torch.Tensor:
    """What a case recorded: in evaluation, after one pass in training had moved the running statistics."""
    loaded = saved.load(path, published(case["genotype"]))
    network = saved.network_of(loaded, str(path)).double()
    images = recorded.images(case, "step0")
    with torch.no_grad():
        network.train()(images)
        found: torch.Tensor = network.eval()(images)[0]
    return found


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", CIFAR)
def test_a_bare_state_dict_computes_the_recorded_logits(tmp_path: Path, name: str, zipped: bool) -> None:
    case = CASES[name]
    path = write_cifar(tmp_path / "weights.pt", state(name), zipped)
    close(logits(path, case), case["eval_logits"])


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", IMAGENET)
def test_a_state_dict_with_a_prefix_in_a_dict_computes_the_recorded_logits(
    tmp_path: Path, name: str, zipped: bool
) -> None:
    case = CASES[name]
    path = write_imagenet(tmp_path / "model_best.pth.tar", state(name), zipped)
    close(logits(path, case), case["eval_logits"])


def test_there_are_cases_of_both_formats() -> None:
    assert len(CIFAR) == 3
    assert len(IMAGENET) == 1


@pytest.mark.parametrize(
    ("name", "write", "expected"),
    [
        ("cifar_pdarts", write_cifar, ("cifar", 6, 8, 10, True)),
        ("cifar_nasnet", write_cifar, ("cifar", 6, 8, 10, True)),
        ("imagenet_pdarts", write_imagenet, ("imagenet", 6, 8, 20, True)),
        ("cifar_pdarts", write_imagenet, ("cifar", 6, 8, 10, True)),
        ("imagenet_pdarts", write_cifar, ("imagenet", 6, 8, 20, True)),
    ],
)
def test_the_network_follows_from_the_tensors(
    tmp_path: Path, name: str, write: Callable[..., Path], expected: tuple[object, ...]
) -> None:
    loaded = saved.load(write(tmp_path / "weights.pt", state(name)), published(CASES[name]["genotype"]))
    stem, cells, channels, classes, auxiliary = expected
    assert loaded["network"] == {
        "stem": stem, "cells": cells, "channels": channels, "classes": classes, "auxiliary": auxiliary
    }  # fmt: skip
    assert set(loaded) == set(saved.KEYS)
    assert [loaded[key] for key in ("dataset", "recipe", "seconds", "provenance")] == [None] * 4


@pytest.mark.parametrize("name", ["cifar_pdarts", "imagenet_pdarts"])
def test_weights_without_auxiliary_head_compute_the_same_logits(tmp_path: Path, name: str) -> None:
    case, content = CASES[name], state(name, auxiliary=False)
    path = write_cifar(tmp_path / "weights.pt", content)
    assert saved.load(path, published("PDARTS"))["network"]["auxiliary"] is False
    close(logits(path, case), case["eval_logits"])


def test_weights_for_100_classes_are_read(tmp_path: Path) -> None:
    path = write_cifar(tmp_path / "weights.pt", state("cifar_pdarts", classes=100))
    loaded = saved.load(path, published("PDARTS"))
    assert loaded["network"]["classes"] == 100
    assert saved.network_of(loaded, str(path))(torch.zeros(2, 3, 32, 32))[0].shape == (2, 100)


def test_another_genotype_is_refused_with_the_first_tensors_that_differ(tmp_path: Path) -> None:
    path = write_cifar(tmp_path / "weights.pt", state("cifar_pdarts"))
    with pytest.raises(InputError, match=r"tensors differ:\n  cells\.0\.operations\.") as caught:
        saved.load(path, published("DARTS_V2"))
    assert str(caught.value).startswith(f"{path} with the genotype named: ")
    assert len(str(caught.value).splitlines()) == 6


def test_a_missing_genotype_is_asked_for(tmp_path: Path) -> None:
    path = write_cifar(tmp_path / "weights.pt", state("cifar_pdarts"))
    with pytest.raises(InputError, match=r"does not say its genotype; name that too: --genotype"):
        saved.load(path)


def ours(genotype: str) -> dict[str, Any]:
    network = {"stem": "cifar", "cells": 3, "channels": 4, "classes": 10, "auxiliary": False}
    return {
        "network": network,
        "genotype": published(genotype).to_json(),
        "state": Network(published(genotype), **network).state_dict(),
        "dataset": {},
        "recipe": {},
        "seconds": 1.0,
        "provenance": {},
    }


def test_our_own_file_needs_no_genotype_and_refuses_another(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(saved.dump(ours("PDARTS")))
    assert saved.load(path)["genotype"] == saved.load(path, published("PDARTS"))["genotype"]
    with pytest.raises(InputError, match="trained with another genotype than the one named"):
        saved.load(path, published("DARTS_V1"))


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "net.", "model.", "module._orig_mod.", "_orig_mod.module.", "trainer.net.model."],
)
def test_any_prefix_of_all_names_is_left_out(tmp_path: Path, prefix: str) -> None:
    content = state("cifar_pdarts")
    plain = saved.load(write_cifar(tmp_path / "plain.pt", content), published("PDARTS"))
    prefixed = OrderedDict((f"{prefix}{name}", tensor) for name, tensor in content.items())
    loaded = saved.load(write_cifar(tmp_path / "prefixed.pt", prefixed), published("PDARTS"))
    assert loaded["network"] == plain["network"]
    assert list(loaded["state"]) == list(plain["state"])
    assert all(torch.equal(tensor, plain["state"][name]) for name, tensor in loaded["state"].items())


def test_what_was_saved_around_a_network_is_left_out(tmp_path: Path) -> None:
    content = state("cifar_pdarts")
    plain = saved.load(write_cifar(tmp_path / "plain.pt", content), published("PDARTS"))
    compiled = {name.replace("cells.2.", "cells.2._orig_mod."): tensor for name, tensor in content.items()}
    divided = {name.replace("cells.2.", "cells.2.module."): tensor for name, tensor in content.items()}
    averaged = {"n_averaged": torch.tensor(3), **{f"module.{name}": tensor for name, tensor in content.items()}}
    under_another_key = {"epoch": 3, "model": {f"net.{name}": tensor for name, tensor in content.items()}}
    beside_a_loss = {"loss.weight": torch.ones(10), **{f"net.{name}": tensor for name, tensor in content.items()}}
    for kept in (compiled, divided, averaged, under_another_key, beside_a_loss):
        loaded = saved.load(write_cifar(tmp_path / "kept.pt", kept), published("PDARTS"))
        assert set(loaded["state"]) == set(plain["state"])


def test_of_several_networks_none_is_guessed(tmp_path: Path) -> None:
    content = state("cifar_pdarts")
    two = {f"{prefix}.{name}": tensor for prefix in ("net", "average") for name, tensor in content.items()}
    with pytest.raises(
        InputError, match=r"several networks, whose names begin with 'average\.', 'net\.'; save the one"
    ):
        saved.load(write_cifar(tmp_path / "two.pt", two), published("PDARTS"))
    with pytest.raises(InputError, match=r"two.pt: it holds several state dicts \('net', 'average'\)"):
        saved.load(write_cifar(tmp_path / "two.pt", {"net": content, "average": content}), published("PDARTS"))


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("write", [write_cifar, write_imagenet])
def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path: Path, write: Callable[..., Path], zipped: bool) -> None:
    path = write(tmp_path / "weights.pt", state("cifar_pdarts"), zipped)
    whole = path.read_bytes()
    for length in (*range(0, 300, 13), *range(300, len(whole), len(whole) // 40), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="not a whole weights file") as caught:
            saved.load(path, published("PDARTS"))
        assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html>Quota exceeded</html>", "not a whole weights file"),
        (json.dumps({"state_dict": {}}).encode(), "not a whole weights file"),
        (pickle.dumps(["PDARTS"], protocol=2), "not a whole weights file"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        saved.load(path, published("PDARTS"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(3), "not a weights file of pdarts.train, .* nor a state dict"),
        ([torch.zeros(3)], "nor a state dict"),
        ({}, "nor a state dict"),
        ({"state_dict": {}}, "nor a state dict"),
        ({"state_dict": [1, 2]}, "nor a state dict"),
        ({"stem.0.weight": 3}, "nor a state dict"),
        ({1: torch.zeros(3)}, "nor a state dict"),
        ({"epoch": 3, "stem.0.weight": torch.zeros(3)}, "nor a state dict"),
        ({"conv1.weight": torch.zeros(3)}, r"no tensor 'stem\.0\.weight', .*; it has 'conv1\.weight'"),
        (
            {f"{name}.0.weight": torch.zeros(3) for name in ("net_stem", "net_cells.0", "net_cells.1", "net_head")},
            "; it has 'net_stem.0.weight', 'net_cells.0.0.weight', 'net_head.0.weight'",
        ),
        ({"arguments": 3, "epoch": 5}, "bare or in a dict; it holds 'arguments', 'epoch'"),
        ({"stem.0.weight": torch.tensor(3.0)}, r"no tensor 'stem\.0\.weight'"),
        ({"stem.0.weight": torch.zeros(27, 3, 3, 3)}, "is one of 9 channels; allowed: even numbers from 2"),
        ({"stem.0.weight": torch.zeros(24, 3, 3, 3)}, r"no tensor 'cells\.0\.…'"),
        ({"stem.0.weight": torch.zeros(24, 3, 3, 3), "cells.x.weight": torch.zeros(1)}, r"no tensor 'cells\.0\.…'"),
        ({"stem.0.weight": torch.zeros(24, 3, 3, 3), "cells.7.weight": torch.zeros(1)}, r"no tensor 'cells\.0\.…'"),
        ({"stem0.0.weight": torch.zeros(24, 3, 3, 3)}, r"no tensor 'stem0\.3\.weight'"),
        (
            {"args": argparse.Namespace(arch="PDARTS")},
            "of plain values and tensors .it names argparse.Namespace, which could run code",
        ),
    ],
)
def test_content_that_is_no_network_is_refused_by_name(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    with pytest.raises(InputError, match=message) as caught:
        saved.load(path, published("PDARTS"))
    assert str(path) in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_tensor_of_another_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    content: OrderedDict[str, torch.Tensor] = state("cifar_pdarts")
    content["cells.0.preprocess0.op.1.weight"] = torch.zeros(8, 12, 1, 1)
    path = write_cifar(tmp_path / "weights.pt", content)
    with pytest.raises(
        InputError, match=r"cells\.0\.preprocess0\.unit\.pointwise\.weight: expected 8x24x1x1, found 8x12x1x1"
    ):
        saved.load(path, published("PDARTS"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this weights file does not exist"):
        saved.load(tmp_path / "weights.pt", published("PDARTS"))
