"""A trace tells the cell of every epoch as `derive` would, and how undecided its weights are."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from pdarts.progressive.method import method_named
from pdarts.progressive.trace import Size, entropy, trace
from pdarts.space.architecture import Architecture, to_json
from pdarts.space.candidates import all_candidates
from pdarts.space.topology import EDGES, KINDS, NODES, incoming
from tests.by_hand import QUIET, call
from tests.reporting.examples import write_stage, write_stage_metrics

NAMES = ("none", "skip_connect", "sep_conv_3x3")
SMALL = Size("cifar", 3, 4)


def architecture(rows: torch.Tensor, of_edges: torch.Tensor | None = None) -> Architecture:
    """The same weights in both kinds of cell."""
    edge_weights = None if of_edges is None else dict.fromkeys(KINDS, of_edges.double())
    return Architecture(all_candidates(NAMES), dict.fromkeys(KINDS, rows.double()), edge_weights)


def drawn(relaxed: str, seed: int) -> Architecture:
    """Random weights of operations as a method relaxes them, and of edges where it is called weighted."""
    torch.manual_seed(seed)
    alphas, betas = 2 * torch.randn(len(EDGES), len(NAMES), dtype=torch.float64), torch.randn(len(EDGES))
    if relaxed == "sigmoid":
        return architecture((4 + alphas).sigmoid())
    into = torch.cat([betas[incoming(node)].softmax(dim=0) for node in NODES])
    return architecture(alphas.softmax(dim=1), into if relaxed == "weighted" else None)


@pytest.mark.parametrize(
    ("method", "relaxed"), [("p_darts", "softmax"), ("pc_darts", "weighted"), ("fair_darts", "sigmoid")]
)
def test_every_epoch_has_the_cell_that_derive_yields_for_a_stage_that_ended_there(
    method: str, relaxed: str, tmp_path: Path
) -> None:
    epochs = [drawn(relaxed, seed) for seed in range(2)]
    stage = written(tmp_path, method, epochs)
    files = ["--stages", stage, "--metrics", stage.with_suffix(".jsonl"), "--max-skips", 2]
    assert call("trace", *files, "--output", tmp_path / "trace.jsonl") is None
    lines = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]
    assert [line["frozen"] for line in lines] == [True, False]
    for line, ended in zip(lines, epochs, strict=True):
        for limit, key in ((["--max-skips", 2], "skips"), ([], "unlimited_skips")):
            written(tmp_path, method, [ended])
            output = tmp_path / "genotype.json"
            assert call("derive", "--stage", stage, *limit, "--output", output, "--machine", QUIET) is None
            genotype = json.loads(output.read_text())
            assert line[key] == sum(entry[0] == "skip_connect" for entry in genotype["normal"])
            assert not limit or line["genotype"] == genotype
    assert max(line["unlimited_skips"] for line in lines) > 2


def written(folder: Path, method: str, epochs: list[Architecture]) -> Path:
    """A stage that ended with the last of these, and its metrics."""
    path, metrics = folder / "stage3.json", Path(write_stage_metrics(folder / "stage3.jsonl", 3))
    example = json.loads(metrics.read_text().splitlines()[0])
    lines = [
        {
            **example,
            "epoch": epoch,
            "architecture_weights": lists(each.weights),
            "edge_weights": lists(each.edge_weights),
        }
        for epoch, each in enumerate(epochs, 1)
    ]
    metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_stage(path, 3, cells=to_json(epochs[-1]), epochs_run=len(epochs))
    stage = json.loads(path.read_text())
    stage["settings"] |= {"method": method, "cells": 3, "channels": 4, "frozen_epochs": 1}
    path.write_text(json.dumps(stage))
    return path


def lists(weights: Any) -> dict[str, Any] | None:
    return weights and {kind: rows.tolist() for kind, rows in weights.items()}


def test_weights_that_yield_no_cell_have_an_entropy_alone() -> None:
    described = trace(architecture(torch.full((14, 3), 0.5)), method_named("fair_darts"), 2, SMALL)
    assert described.pop("entropy") == {"normal": 1.0, "reduction": 1.0}
    assert set(described.values()) == {None}


def test_parameters_are_those_of_cells_whose_operations_have_any() -> None:
    convolutions, skips = torch.zeros(14, 3), torch.zeros(14, 3)
    convolutions[:, 2] = skips[:, 1] = 1
    method = method_named("darts")
    many, few = (trace(architecture(rows), method, None, SMALL) for rows in (convolutions, skips))
    assert (many["skips"], few["skips"]) == (0, 8)
    assert many["parameters"] > few["parameters"] > 0


EQUAL, DECIDED = torch.full((14, 3), 1 / 3), torch.eye(3)[[0] * 14]
OPEN_EDGES = torch.cat([torch.full((len(incoming(node)),), 1 / len(incoming(node))) for node in NODES])
FIRST_EDGES = torch.cat([torch.eye(len(incoming(node)))[0] for node in NODES])


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (architecture(EQUAL), 1),
        (architecture(DECIDED), 0),
        (architecture(torch.tensor([[0.5, 0.25, 0.25]] * 14)), 1.5 / 1.584962500721156),  # 1.5 bits of log2(3)
        (architecture(torch.full((14, 3), 0.5)), 1),  # sigmoids: whether an operation is in or out
        (architecture(torch.ones(14, 3)), 0),
        (architecture(torch.tensor([[1.0, 0.0, 0.25]] * 14)), 0.8112781244591328 / 3),  # bits of a coin of 1 in 4
        (architecture(DECIDED, OPEN_EDGES), 4 / (14 + 4)),  # no operation is open, but the edges into four nodes
        (architecture(EQUAL, FIRST_EDGES), 14 / (14 + 4)),
    ],
)
def test_entropy_goes_from_0_where_all_is_decided_to_1_where_all_is_open(
    weights: Architecture, expected: float
) -> None:
    assert entropy(weights, "normal") == pytest.approx(expected, abs=1e-6)
