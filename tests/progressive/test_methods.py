"""What each method of search changes, on a few digits and on weights by hand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pdarts.data.batching import Batching
from pdarts.data.division import Division, divided
from pdarts.data.loaders import Batch, Loader
from pdarts.engine.journal import Journal
from pdarts.engine.progress import Progress
from pdarts.engine.resume_file import ResumeFile, remove
from pdarts.engine.run import Run
from pdarts.engine.tracking import Tracker
from pdarts.progressive.method import method_named
from pdarts.progressive.methods import sdarts
from pdarts.progressive.refinement import derive
from pdarts.progressive.stage import search_stage
from pdarts.settings.machine import Machine, Wandb
from pdarts.settings.methods import METHODS
from pdarts.settings.searches import StageSettings
from pdarts.space.architecture import Architecture, parse, to_json
from pdarts.space.candidates import all_candidates, prune
from pdarts.space.operations import CANDIDATES
from pdarts.space.topology import EDGES, KINDS, NODES, incoming
from tests.data.sources import load
from tests.searching import DIGITS, point_of, scalar, settings_of, training_of

CPU = torch.device("cpu")
SMALL = {"cells": 3, "channels": 4, "epochs": 2, "frozen_epochs": 0, "scored_epochs": 1, "batch_size": 16}
FEW = ("skip_connect", "max_pool_3x3", "sep_conv_3x3")


def searched(settings: StageSettings, candidates: Any, folder: Path) -> Architecture:
    """What a stage on 64 digits ends with."""
    folder.mkdir(exist_ok=True)
    split = load("digits", folder, download=False).train.part(0, 64)
    weights_images, alphas_images = (
        Loader(half, Batching(settings.batch_size, settings.augmentation, CPU), (0.3,) * 3, (0.4,) * 3)  # type: ignore[arg-type]
        for half in divided(split, Division(0.5))
    )
    tracker = Tracker(Wandb(mode="disabled"), "", "", "", {})
    journal = Journal(folder / "metrics.jsonl", tracker, Progress("", settings.epochs, 2))
    run = Run(0, CPU, journal, ResumeFile(folder / "stage.json", {}, other_code=False))
    architecture = search_stage(settings, candidates, (weights_images, alphas_images), 10, Machine(), run)
    remove(run.resume_file.output, run.resume_file.path.name)
    return architecture


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Architecture:
    """What plain DARTS ends with."""
    settings = settings_of("darts", **SMALL, candidates=list(FEW), operations=3)
    return searched(settings, all_candidates(FEW), tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("method", METHODS)
def test_a_method_searches_alone_and_in_the_frame_of_stages(method: str, plain: Architecture, tmp_path: Path) -> None:
    first = searched(settings_of(method, **SMALL, candidates=list(FEW), operations=3), all_candidates(FEW), tmp_path)
    same = all(torch.equal(first.weights[kind], plain.weights[kind]) for kind in KINDS)
    assert same == (method in ("p_darts", "darts"))  # these two differ in how they derive alone
    assert (first.edge_weights is not None) == (method == "pc_darts")
    kept = {kind: prune(first.candidates[kind], first.weights[kind], 2) for kind in KINDS}
    later = settings_of(method, **SMALL, candidates=list(FEW), operations=2, skip_dropout=0.5)
    second = searched(later, kept, tmp_path / "second")
    for architecture, width in ((first, 3), (second, 2)):
        assert {rows.shape for rows in architecture.weights.values()} == {(len(EDGES), width)}
        found = parse(json.loads(json.dumps(to_json(architecture))), "stage.json")
        assert found.candidates == architecture.candidates
        assert all(torch.equal(found.weights[kind], architecture.weights[kind]) for kind in KINDS)
        derive(found, method_named(method), max_skips=2)


@pytest.mark.parametrize("method", METHODS)
def test_weights_of_a_stage_are_between_0_and_1_and_rows_sum_to_1_but_with_sigmoids(method: str) -> None:
    training = training_of(all_candidates(FEW), method, **SMALL)
    for alphas in training.supernet.architecture_parameters["alpha"].values():
        alphas.data.normal_()
    rows = training.method.architecture(training.supernet).weights["normal"]
    assert rows.dtype == torch.float64
    assert ((rows >= 0) & (rows <= 1)).all()
    ones = torch.ones(len(EDGES), dtype=torch.float64)
    assert torch.allclose(rows.sum(1), ones, rtol=0, atol=1e-12) == (method != "fair_darts")


def images(pixels: int = 8) -> Batch:
    return torch.randn(4, 3, pixels, pixels), torch.arange(4)


def alphas_of(training: Any) -> list[Tensor]:
    return [alphas.detach().clone() for alphas in training.supernet.alphas()]


# Fair DARTS


def test_fair_darts_starts_with_one_half_for_every_operation() -> None:
    training = training_of(all_candidates(FEW), "fair_darts", **SMALL)
    for rows in training.method.architecture(training.supernet).weights.values():
        assert rows.tolist() == [[0.5] * 3] * len(EDGES)


@torch.no_grad()
def test_the_zero_one_loss_is_0_at_one_half_and_lowest_at_the_ends() -> None:
    training = training_of(all_candidates(FEW), "fair_darts", **SMALL, zero_one_weight=8.0)
    parameters = training.supernet.architecture_parameters
    assert training.method.alphas_penalty(parameters, scalar(0)) == 0
    for alphas in training.supernet.alphas():
        alphas.data.fill_(50.0)
    assert float(training.method.alphas_penalty(parameters, scalar(0))) == pytest.approx(-2.0)
    training.supernet.alphas()[0].data.fill_(-50.0)
    assert float(training.method.weights_penalty(parameters, scalar(0))) == pytest.approx(-2.0)


def test_fair_darts_keeps_an_edge_from_the_threshold_on_and_no_third_one_moves_up() -> None:
    strengths = [{"sep_conv_3x3": 0.2} for _ in EDGES]
    strengths[0] = {"sep_conv_3x3": 0.85}
    for index, weight in zip(incoming(5), (0.99, 0.84, 0.86, 0.98, 0.1), strict=True):
        strengths[index] = {"sep_conv_3x3": weight}
    selected = method_named("fair_darts").select(strengths)
    assert [EDGES[edge] for edge in selected] == [(0, 2), (0, 5), (3, 5)]


# DARTS-


def test_the_auxiliary_skip_counts_in_the_supernet_and_leaves_no_trace() -> None:
    torch.manual_seed(0)
    training = training_of(all_candidates(FEW), "darts_minus", **SMALL, auxiliary_weight=1.0, auxiliary_decay="linear")
    method, parameters = training.method, training.supernet.architecture_parameters
    assert [method.weights(parameters, scalar(epoch))["normal"][0, -1].item() for epoch in (0, 1)] == [1.0, 0.5]
    training.supernet.eval()
    batch, _ = images()
    found = []
    for epoch in (0, 1):
        training.begin_epoch(epoch)
        found.append(training.logits(batch))
    assert not torch.equal(*found)
    architecture = method.architecture(training.supernet)
    assert {rows.shape for rows in architecture.weights.values()} == {(len(EDGES), 3)}
    names = {name for edge in to_json(architecture)["normal"] for name in edge["weights"]}
    assert names == set(FEW)


def test_the_auxiliary_skip_has_weights_where_it_strides_alone() -> None:
    supernet = training_of(all_candidates(FEW), "darts_minus", **SMALL).supernet
    for kind, cell in zip(supernet.kinds, supernet.cells, strict=True):
        sizes = [sum(weight.numel() for weight in edge.auxiliary.parameters()) for edge in cell.edges]
        strided = [kind == "reduction" and source < 2 for source, _ in EDGES]
        assert [size > 0 for size in sizes] == strided


# SDARTS


@pytest.mark.parametrize("kind", ["random", "adversarial"])
def test_perturbed_weights_stay_weights_within_the_radius(kind: str) -> None:
    torch.manual_seed(0)
    training = training_of(all_candidates(FEW), "sdarts", **SMALL, perturbation=kind, radius=[0.1, 0.5])
    relaxed = training.method.weights(training.supernet.architecture_parameters, scalar(1))
    perturbed = training.method.training_weights(point_of(training, 1), images())  # type: ignore[attr-defined]
    for name, rows in perturbed.items():
        assert not rows.requires_grad
        assert ((rows >= 0) & (rows <= 1)).all()
        torch.testing.assert_close(rows.sum(1), torch.ones(len(EDGES)))
        assert (rows - relaxed[name]).abs().max() > 0
    assert float(training.method.radius(scalar(1))) == pytest.approx(0.3)  # type: ignore[attr-defined]


def test_a_radius_of_0_perturbs_nothing() -> None:
    training = training_of(all_candidates(FEW), "sdarts", **SMALL, perturbation="random", radius=[0.0, 0.0])
    relaxed = training.method.weights(training.supernet.architecture_parameters, scalar(0))
    for kind, rows in training.method.training_weights(point_of(training, 0), images()).items():
        torch.testing.assert_close(rows, relaxed[kind])


def test_rows_are_projected_onto_numbers_that_sum_to_1() -> None:
    rows = torch.tensor([[0.5, 0.5, 1.0], [-0.2, 0.3, 0.3], [2.0, -1.0, 0.5], [-0.3, -0.1, -0.2]])
    expected = [[0.25, 0.25, 0.5], [0.0, 0.5, 0.5], [2 / 3, 0.0, 1 / 3], [0.0, 1.0, 0.0]]
    torch.testing.assert_close(sdarts.project(rows), torch.tensor(expected))


def test_an_attack_raises_the_loss_and_moves_no_running_statistic() -> None:
    torch.manual_seed(0)
    training = training_of(all_candidates(FEW), "sdarts", **SMALL, perturbation="adversarial", radius=[0.3, 0.3])
    supernet, batch = training.supernet, images()
    before = {name: buffer.clone() for name, buffer in supernet.named_buffers()}
    attacked = training.method.training_weights(point_of(training, 0), batch)
    assert all(torch.equal(buffer, before[name]) for name, buffer in supernet.named_buffers())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in supernet.parameters())
    assert supernet.training
    supernet.eval()
    relaxed = training.method.weights(supernet.architecture_parameters, scalar(0))
    with torch.no_grad():
        losses = [torch.nn.functional.cross_entropy(supernet(batch[0], rows), batch[1]) for rows in (relaxed, attacked)]
    assert losses[0] < losses[1]


def test_neither_alphas_nor_evaluation_see_a_perturbation() -> None:
    perturbed = {"perturbation": "random", "radius": [0.9, 0.9]}
    found = []
    for method, keys in (("darts", {}), ("sdarts", perturbed)):
        torch.manual_seed(0)
        training = training_of(all_candidates(FEW), method, **SMALL, **keys)
        loss, _ = training.method.update_alphas(point_of(training, 0), images(), images())
        moved = alphas_of(training)
        training.supernet.eval()
        with torch.no_grad():
            tested = training.logits(images()[0])
        training.supernet.train()
        found.append((loss, *moved, tested, training.method.update_weights(point_of(training, 0), images())[0]))
    (*unperturbed, loss), (*same, other) = found
    assert all(torch.equal(one, another) for one, another in zip(unperturbed, same, strict=True))
    assert loss != other


# beta-DARTS


def test_the_term_of_beta_darts_is_in_the_alphas_loss_alone_and_grows() -> None:
    settings = {**SMALL, "beta_decay": "half_an_epoch"}
    losses = []
    for method, changes in (("darts", SMALL), ("beta_darts", settings)):
        torch.manual_seed(0)
        training = training_of(all_candidates(FEW), method, **changes)
        point = replace(point_of(training, 1), epoch=scalar(4))
        of_alphas = training.method.update_alphas(point, images(), images())[0]
        before = alphas_of(training)
        torch.manual_seed(1)
        of_weights = training.method.update_weights(point, images())
        assert all(torch.equal(old, new) for old, new in zip(before, alphas_of(training), strict=True))
        losses.append((of_alphas, training.method.weights_penalty({}, scalar(4)), of_weights))
    # alphas start near 0, where the term is log 3 on the edges of each kind, and half of epoch 4 is 2
    assert float(losses[1][0] - losses[0][0]) == pytest.approx(2 * 2 * torch.tensor(3.0).log().item(), rel=1e-3)
    assert losses[1][1] == losses[0][1] == 0


@pytest.mark.parametrize(("decay", "weights"), [("half_an_epoch", [0, 0.5, 12]), ("fifty_at_the_end", [0, 1, 24])])
def test_the_weight_of_the_term_starts_at_0_and_rises_in_a_line(decay: str, weights: list[float]) -> None:
    method = training_of(all_candidates(FEW), "beta_darts", **SMALL | {"epochs": 50}, beta_decay=decay).method
    assert [method.decay_weight(scalar(epoch)) for epoch in (0, 1, 24)] == weights  # type: ignore[attr-defined]


# DARTS of second order and PC-DARTS


def test_second_order_alphas_depend_on_the_images_of_the_coming_update_of_weights() -> None:
    moved = {}
    for method in ("darts", "second_order"):
        for seed in (1, 2):
            torch.manual_seed(0)
            training = training_of(all_candidates(FEW), method, **SMALL)
            batch = images()
            torch.manual_seed(seed)
            training.method.update_alphas(point_of(training, 0), batch, images())
            moved[method, seed] = torch.cat([alphas.grad.flatten() for alphas in training.supernet.alphas()])
    assert torch.equal(moved["darts", 1], moved["darts", 2])
    assert not torch.equal(moved["second_order", 1], moved["second_order", 2])


def test_a_penalty_of_the_alphas_counts_in_their_second_order_update() -> None:
    class Penalized(method_named("second_order")):  # type: ignore[misc]
        def alphas_penalty(self, parameters: Any, epoch: Tensor) -> Tensor:
            return 5 * torch.stack([alphas.sum() for alphas in parameters["alpha"].values()]).sum()

    moved = []
    for method in (method_named("second_order"), Penalized):
        torch.manual_seed(0)
        training = training_of(all_candidates(FEW), "second_order", **SMALL, alphas=DIGITS["alphas"] | {"clip": None})
        method(training.method.settings).update_alphas(point_of(training, 0), images(), images())
        moved.append(torch.cat([alphas.grad.flatten() for alphas in training.supernet.alphas()]))
    torch.testing.assert_close(moved[1] - moved[0], torch.full_like(moved[0], 5.0), rtol=1e-4, atol=1e-4)


def test_a_second_order_step_of_the_alphas_moves_no_network_weight() -> None:
    training = training_of(all_candidates(FEW), "second_order", **SMALL)
    before = [weight.detach().clone() for weight in training.supernet.weights()]
    training.method.update_alphas(point_of(training, 0), images(), images())
    assert all(torch.equal(old, new) for old, new in zip(before, training.supernet.weights(), strict=True))


def test_edge_weights_of_pc_darts_sum_to_1_on_every_node_and_count_as_factors() -> None:
    training = training_of(all_candidates(CANDIDATES), "pc_darts", **SMALL | {"channels": 8})
    for betas in training.supernet.architecture_parameters["beta"].values():
        betas.data.normal_()
    weights = training.method.architecture(training.supernet).edge_weights
    assert weights is not None
    sums = [weights["normal"][incoming(node)].sum().item() for node in NODES]
    assert sums == pytest.approx([1.0] * len(NODES))
    rows = training.method.weights(training.supernet.architecture_parameters, scalar(0))["normal"]
    torch.testing.assert_close(rows[:, -1].double(), weights["normal"], rtol=1e-6, atol=1e-7)


def test_published_order_of_edges_is_by_strength_in_pc_darts() -> None:
    weights = torch.full((len(EDGES), 2), 0.1, dtype=torch.float64)
    weights[EDGES.index((0, 3)), 0], weights[EDGES.index((2, 3)), 1] = 0.5, 0.9
    candidates = all_candidates(("skip_connect", "sep_conv_3x3"))
    architecture = Architecture(candidates, dict.fromkeys(KINDS, weights), None)
    by_strength = derive(architecture, method_named("pc_darts"), None).to_json()["normal"][2:4]
    assert by_strength == [["sep_conv_3x3", 2], ["skip_connect", 0]]
    by_source = derive(architecture, method_named("darts"), None).to_json()["normal"][2:4]
    assert by_source == by_strength[::-1]
