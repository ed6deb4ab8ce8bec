"""Exported networks compute what they did, in other programs, and say how they are used."""

import json
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from pdarts import extensions, memory
from pdarts.data.manifest import describe, images_of
from pdarts.data.view import described
from pdarts.errors import InputError
from pdarts.nets import exporting, saved
from pdarts.nets.network import Network
from pdarts.nets.node import NodeValue
from pdarts.nets.reference_export import reference_state
from pdarts.space.genotype import Genotype
from pdarts.space.operations import OPERATIONS
from tests.by_hand import call, train_arguments, write_manifest
from tests.configuration import CONFIG
from tests.genotypes import FOLDER, published
from tests.own import nothing_registered

KEYS = {"preprocessing", "classes", "image_size", "mean", "std", "genotype", "network", "provenance"}


def all_operations() -> dict[str, object]:
    """Cells that have every operation of the package."""
    names = [name for name in OPERATIONS if name != "none"]
    assert 8 <= len(names) <= 16
    edges = [[[name, index % 2] for index, name in enumerate(part)] for part in (names[:8], names[-8:])]
    return {"normal": edges[0], "normal_concat": [2, 3, 4, 5], "reduce": edges[1], "reduce_concat": [2, 3, 4, 5]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a short training on digits, and what `pdarts.export` makes of them."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "cells.json").write_text(json.dumps(all_operations()))
    arguments = train_arguments(write_manifest(folder, 1352), folder / "weights.pt", cells=3, channels=4, epochs=3)
    arguments[arguments.index(FOLDER / "PDARTS.json")] = folder / "cells.json"
    assert call("train", *arguments) is None
    return folder


@pytest.fixture(scope="module")
def exported(folder: Path) -> Path:
    with (folder / "said.txt").open("w") as said, redirect_stdout(said):
        assert call("export", "--weights", folder / "weights.pt", "--output-stem", folder / "network") is None
    return folder


def metadata_of(folder: Path) -> list[dict[str, str]]:
    """What each of the three files says."""
    extra = {"metadata.json": ""}
    torch.export.load(folder / "network.pt2", extra_files=extra)
    with safe_open(folder / "network.safetensors", "pt") as file:
        weights = file.metadata()
    onnx = onnxruntime.InferenceSession(folder / "network.onnx").get_modelmeta().custom_metadata_map
    return [onnx, json.loads(extra["metadata.json"]), weights]


def real_images(count: int) -> Tensor:
    """Digits of both splits, normalized, shape (count, 3, 16, 16)."""
    manifest = describe(CONFIG.datasets["digits"], Path("unused"), download=False)
    splits = [images_of(manifest, name, Path("unused")).images for name in ("train", "test")]
    mean, std = (torch.tensor(values)[:, None, None] for values in (manifest.mean, manifest.std))
    return (torch.cat(splits)[:count] / 255 - mean) / std


def network_in(folder: Path) -> Network:
    return saved.network_of(saved.load(folder / "weights.pt"), "weights.pt")


@pytest.mark.parametrize("batch_size", [1, 7])
def test_a_thousand_real_images_get_the_same_logits_in_onnx_runtime(exported: Path, batch_size: int) -> None:
    images = real_images(1000)
    with torch.inference_mode():
        expected = network_in(exported)(images)[0].numpy()
    session = onnxruntime.InferenceSession(exported / "network.onnx")
    found = np.concatenate(
        [session.run(["logits"], {"images": batch.numpy()})[0] for batch in images.split(batch_size)]
    )
    assert np.abs(found - expected).max() < 1e-4
    assert (found.argmax(1) == expected.argmax(1)).all()
    assert len(set(found.argmax(1))) > 5, "it has learned nothing, so the top class says nothing"


@pytest.mark.parametrize("batch_size", [1, 7])
def test_so_they_do_in_torch_without_this_package(exported: Path, batch_size: int) -> None:
    images = real_images(7 * batch_size)
    program = torch.export.load(exported / "network.pt2").module()
    with torch.inference_mode():
        found = torch.cat([program(batch) for batch in images.split(batch_size)])
        torch.testing.assert_close(found, network_in(exported)(images)[0], atol=1e-4, rtol=0)


def test_bare_weights_rebuild_the_network(exported: Path) -> None:
    with safe_open(exported / "network.safetensors", "pt") as file:
        told, state = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    network = Network(Genotype.parse(json.loads(told["genotype"]), "it"), **json.loads(told["network"]))
    network.load_state_dict(state)
    images = real_images(8)
    torch.testing.assert_close(network.eval()(images)[0], network_in(exported)(images)[0])


def test_all_three_say_how_images_are_prepared_and_what_classes_there_are(exported: Path) -> None:
    trained = saved.load(exported / "weights.pt")
    dataset = trained["dataset"]
    for told in metadata_of(exported):
        assert set(told) >= KEYS
        assert told["preprocessing"] == described(dataset)
        assert json.loads(told["classes"]) == [str(digit) for digit in range(10)]
        assert [json.loads(told[key]) for key in ("image_size", "mean")] == [16, list(dataset["mean"])]
        assert json.loads(told["provenance"])["step"] == "train"


def test_no_file_names_a_folder_of_the_machine_that_made_it(exported: Path) -> None:
    for form in ("onnx", "pt2", "safetensors"):
        assert str(Path(exporting.__file__).parent).encode() not in (exported / f"network.{form}").read_bytes()


def test_sizes_and_times_are_said(exported: Path) -> None:
    said = (exported / "said.txt").read_text()
    assert re.search(r"network\.onnx: [\d.]+ MB, [\d.]+ ms an image by ONNX Runtime \d", said)
    assert re.search(r"network\.pt2: [\d.]+ MB, [\d.]+ ms an image by PyTorch \d", said)
    assert re.search(r"network\.safetensors: [\d.]+ MB\n", said)
    assert re.search(r"1 thread of .+; values differ from the network's by at most \d", said)


class Undecided(nn.Module):
    """Takes one path or another, depending on values."""

    def forward(self, node: NodeValue, scale: Tensor | None = None) -> Tensor:
        return node.value if node.value.mean() > 0 else -node.value


class Random(nn.Module):
    """Draws anew in every call."""

    def forward(self, node: NodeValue, scale: Tensor | None = None) -> Tensor:
        return node.value * torch.rand(())


class Raising(nn.Module):
    """Has a mistake."""

    def forward(self, node: NodeValue, scale: Tensor | None = None) -> Tensor:
        raise KeyError("bias")


class Infinite(nn.Module):
    """Leaves the numbers."""

    def forward(self, node: NodeValue, scale: Tensor | None = None) -> Tensor:
        return node.value / 0


class Huge(nn.Module):
    """Needs more memory than any machine has."""

    def forward(self, node: NodeValue, scale: Tensor | None = None) -> Tensor:
        return node.value + torch.zeros(2**46).sum()


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (Raising, r"mine\.pt: its operation 'mine' cannot be exported \(KeyError: 'bias'\); write it with"),
        (Infinite, r"mine\.pt: its operation 'mine' computes values that are not finite"),
        (Undecided, r"mine\.pt: its operation 'mine' cannot be exported \(.+\); write it with operations of PyTorch"),
        (Random, r"mine\.pt: its operation 'mine' computes other values once it is exported \(they differ by .+\)"),
    ],
)
def test_an_operation_that_cannot_be_exported_is_named(
    operation: type[nn.Module], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=message):
        export_with(operation)
    assert capfd.readouterr().err == ""


def test_a_lack_of_memory_is_not_taken_for_a_fault_of_an_operation() -> None:
    with pytest.raises(RuntimeError) as caught:
        export_with(Huge)
    assert "281475 GB were asked for" in str(memory.lack(caught.value))


def export_with(operation: type[nn.Module]) -> None:
    """Export a small network with an operation of the user's."""
    cells: dict[str, Any] = published("PDARTS").to_json()
    cells["reduce"] = [["max_pool_3x3", index % 2] for index in range(7)] + [["mine", 2]]
    with nothing_registered():
        OPERATIONS.append("mine")
        extensions.builders["mine"] = lambda channels, stride, search: operation()
        genotype = Genotype.parse(cells, "mine")
        network = Network(genotype, "cifar", 1, 2, 10, auxiliary=False).eval()
        exporting.export(network, genotype, 8, "mine.pt")


def test_weights_of_others_need_to_be_explained(tmp_path: Path, folder: Path) -> None:
    torch.manual_seed(0)
    network = Network(published("PDARTS"), "cifar", 3, 2, 100, auxiliary=False)
    weights = tmp_path / "theirs.pt"
    weights.write_bytes(saved.dump(dict(reference_state(network, published("PDARTS")))))
    arguments = ["--weights", weights, "--genotype", FOLDER / "PDARTS.json", "--output-stem", tmp_path / "network"]
    assert "name the manifest of its images: --data" in str(call("export", *arguments))
    assert "has 100 classes, but" in str(call("export", *arguments, "--data", folder / "digits.json"))
    mine = ["--weights", folder / "weights.pt", "--output-stem", tmp_path / "network"]
    assert "it needs no --data" in str(call("export", *mine, "--data", folder / "digits.json"))
    assert not list(tmp_path.glob("network.*"))


def test_no_file_is_written_where_one_of_them_cannot_be(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "network.safetensors").mkdir()
    end = str(call("export", "--weights", folder / "weights.pt", "--output-stem", tmp_path / "network"))
    assert end.startswith(f"error: {tmp_path}/network.safetensors: Is a directory; name another path, or move what is")
    assert [path.name for path in tmp_path.iterdir()] == ["network.safetensors"]


@pytest.mark.parametrize("stem", ["", "results/"])
def test_a_stem_that_names_no_file_is_refused(stem: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("export", "--weights", folder / "weights.pt", "--output-stem", stem) == "2"
    assert f"it is {stem!r}, which names no file" in capsys.readouterr().err
