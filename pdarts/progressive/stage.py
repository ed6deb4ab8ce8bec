"""One stage of a search: a fresh supernet, trained by turns with its alphas."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any

import torch
from torch import Tensor

from pdarts.data.loaders import Batches
from pdarts.engine import distributed
from pdarts.engine.checkpoint import Checkpoint
from pdarts.engine.journal import Journal
from pdarts.engine.metrics import Tally, evaluate
from pdarts.engine.run import Run
from pdarts.engine.seeds import derive_seed
from pdarts.progressive.bilevel import Batch
from pdarts.progressive.training import StageTraining
from pdarts.settings.machine import Machine
from pdarts.settings.searches import StageSettings
from pdarts.space.architecture import Architecture
from pdarts.space.candidates import Candidates
from pdarts.space.topology import EDGES, KINDS


def search_stage(
    stage: StageSettings,
    candidates: Mapping[str, Candidates],
    halves: tuple[Batches, Batches],
    classes: int,
    seed: int,
    device: torch.device,
    machine: Machine,
    journal: Journal,
    checkpoint: Checkpoint,
) -> tuple[Architecture, Run]:
    """Train a supernet over `candidates` and its alphas.

    Args:
        stage: how.
        candidates: operations considered, per kind of cell.
        halves: passes over images that train weights, and over images that train alphas; this process's shares.
        classes: number of classes.
        seed: the stage's own seed.
        device: where to compute; the images of both are there.
        machine: what else is set about that.
        journal: takes each epoch's metrics.
        checkpoint: where to continue from.

    Returns:
        The weights of operations, and of edges where it has them, that the stage ends with, on the CPU; and its course.
    """
    torch.manual_seed(derive_seed(seed, "initialization"))
    training = StageTraining(stage, candidates, classes, device, machine)
    supernet, method = training.supernet, training.method
    weights_images, alphas_images = halves
    weights_tally, alphas_tally = Tally(device), Tally(device)
    run = Run(
        {"supernet": supernet, "weights": training.weights_optimizer, "alphas": training.alphas_optimizer},
        {"weights": weights_tally, "alphas": alphas_tally},
        journal,
        checkpoint,
        seed,
    )
    for epoch in run.epochs(stage.epochs):
        point = training.point(epoch)
        supernet.train()
        draw = _passes if stage.alphas_batches == "passes" else _anew
        alphas_batches = draw(alphas_images, derive_seed(seed, "alphas_images", epoch), run.step)
        images_seed = derive_seed(seed, "weights_images", epoch)
        for batch in run.steps(partial(weights_images.shuffled, images_seed)):
            (loss, logits), of_alphas = training.step(point, batch, alphas_batches)
            if of_alphas is not None:
                alphas_tally.add(*of_alphas)
            weights_tally.add(loss, logits, batch[1])
            journal.step(epoch, run.step, loss)
        accuracy = None
        if epoch >= stage.epochs - stage.scored_epochs:
            distributed.copy_from_first(supernet.buffers())
            supernet.eval()
            scored = run.interruptible(alphas_images.in_order())
            accuracy = evaluate(training.logits_of(epoch), scored, device).top1
        architecture = method.architecture(supernet)
        trained, validated = weights_tally.of_all_processes(), alphas_tally.of_all_processes()
        metrics: dict[str, Any] = {
            "train_loss": trained.loss,
            "train_accuracy": trained.top1,
            "valid_loss": validated.loss if validated.images else None,
            "valid_accuracy": accuracy,
            "learning_rate": point.learning_rate,
            "skip_dropout": point.skip_dropout,
            "architecture_weights": _lists(architecture.weights),
            "edge_weights": _lists(architecture.edge_weights),
            "seconds": round(run.seconds, 3),
        }
        journal.epoch(epoch, metrics, _named(architecture))
    return method.architecture(supernet), run


def _passes(images: Batches, seed: int, start: int) -> Iterator[Batch]:
    """Batches without end, from number `start`: the images are shuffled anew whenever they run out."""
    first, start = divmod(start, len(images))
    for number in count(first):
        yield from images.shuffled(derive_seed(seed, number), start)
        start = 0


def _anew(images: Batches, seed: int, start: int) -> Iterator[Batch]:
    """Batches without end, from number `start`, each the first of a new random order."""
    return images.firsts(derive_seed(seed, number) for number in count(start))


def _lists(weights: Mapping[str, Tensor] | None) -> dict[str, list[Any]] | None:
    return None if weights is None else {kind: rows.tolist() for kind, rows in weights.items()}


def _named(architecture: Architecture) -> dict[str, float]:
    """Every weight under a name such as `normal/0-2/sep_conv_3x3`, and every edge's as `normal/0-2`."""
    named: dict[str, float] = {}
    for kind in KINDS:
        rows = zip(EDGES, architecture.candidates[kind], architecture.weights[kind].tolist(), strict=True)
        for (source, target), names, row in rows:
            named |= {f"{kind}/{source}-{target}/{name}": weight for name, weight in zip(names, row, strict=True)}
        if architecture.edge_weights is not None:
            weights = zip(EDGES, architecture.edge_weights[kind].tolist(), strict=True)
            named |= {f"{kind}/{source}-{target}": weight for (source, target), weight in weights}
    return named
