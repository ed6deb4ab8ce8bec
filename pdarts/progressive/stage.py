"""The loop of a stage: a fresh supernet is trained by turns with its alphas."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any

import torch
from torch import Tensor

from pdarts.data.loaders import Batches
from pdarts.engine import distributed
from pdarts.engine.metrics import Tally, evaluate
from pdarts.engine.run import Run
from pdarts.engine.schedules import learning_rate
from pdarts.engine.seeds import derive_seed
from pdarts.nets.agreement import settle
from pdarts.nets.execution import kernels
from pdarts.progressive.bilevel import Batch
from pdarts.progressive.schedule import skip_dropout
from pdarts.progressive.training import StageTraining
from pdarts.settings.machine import Machine
from pdarts.settings.searches import StageSettings
from pdarts.space.architecture import Architecture
from pdarts.space.candidates import Candidates
from pdarts.space.topology import EDGES, KINDS


def search_stage(
    stage: StageSettings,
    candidates: Mapping[str, Candidates],
    images: tuple[Batches, Batches],
    classes: int,
    machine: Machine,
    run: Run,
) -> Architecture:
    """Train a supernet over `candidates` and its alphas.

    Args:
        stage: its settings.
        candidates: operations considered, per kind of cell.
        images: passes over images that train weights, and over images that train alphas; this process takes its share
            of each batch.
        classes: number of classes.
        machine: how the supernet is computed.
        run: counts epochs and iterations; its seed is the stage's own, and the images are on its device.

    Returns:
        The weights of operations, and of edges if the method has them, after the last epoch, on the CPU.
    """
    torch.manual_seed(derive_seed(run.seed, "initialization"))
    training = StageTraining(stage, candidates, classes, run.device, machine)
    supernet, method = training.supernet, training.method
    weights_images, alphas_images = images
    training.begin_epoch(stage.frozen_epochs)  # where skip dropout is compared too
    images_seed = derive_seed(run.seed, "weights_images", 0)
    settle(supernet, training.outcome, run.device, lambda: next(iter(weights_images.firsts([images_seed]))))
    run.kernels = kernels(supernet, run.device)
    weights_tally, alphas_tally = Tally(run.device), Tally(run.device)
    run.begin(training.parts(), {"weights": weights_tally, "alphas": alphas_tally})
    for epoch in run.epochs(stage.epochs):
        training.begin_epoch(epoch)
        supernet.train()
        draw = _passes if stage.alphas_batches == "passes" else _anew
        alphas_seed = derive_seed(run.seed, "alphas_images", epoch)
        alphas_batches = run.awaited(draw(alphas_images, alphas_seed, run.iteration))
        images_seed = derive_seed(run.seed, "weights_images", epoch)
        for batch in run.iterations(partial(weights_images.shuffled, images_seed)):
            alphas_batch = next(alphas_batches) if epoch >= stage.frozen_epochs else None
            (loss, logits), of_alphas = training.update(batch, alphas_batch)
            if alphas_batch is not None and of_alphas is not None:
                alphas_tally.add(*of_alphas, alphas_batch[1])
            weights_tally.add(loss, logits, batch[1])
            run.journal.iteration(epoch, run.iteration, loss)
        accuracy = None
        if epoch >= stage.epochs - stage.scored_epochs:
            distributed.copy_from_first(supernet.buffers())
            supernet.eval()
            scored = run.interruptible(alphas_images.in_order())
            accuracy = evaluate(training.logits, scored, run.device).top1
        architecture = method.architecture(supernet)
        trained, validated = weights_tally.over_processes(), alphas_tally.over_processes()
        metrics: dict[str, Any] = {
            "train_loss": trained.loss,
            "train_accuracy": trained.top1,
            "valid_loss": validated.loss if validated.images else None,
            "valid_accuracy": accuracy,
            "learning_rate": learning_rate(stage, epoch),
            "skip_dropout": skip_dropout(stage, epoch),
            "architecture_weights": _lists(architecture.weights),
            "edge_weights": _lists(architecture.edge_weights),
            "seconds": round(run.epoch_seconds, 3),
        }
        run.journal.epoch(epoch, metrics, _named(architecture))
        # A method that ends a stage early would leave the loop here; results say how many epochs ran.
    return method.architecture(supernet)


def _passes(images: Batches, seed: int, start: int) -> Iterator[Batch]:
    """Yield batches without end, from number `start`; the images are shuffled anew whenever they run out."""
    first, start = divmod(start, len(images))
    for number in count(first):
        yield from images.shuffled(derive_seed(seed, number), start)
        start = 0


def _anew(images: Batches, seed: int, start: int) -> Iterator[Batch]:
    """Yield batches without end, from number `start`, each the first of a new random order."""
    return images.firsts(derive_seed(seed, number) for number in count(start))


def _lists(weights: Mapping[str, Tensor] | None) -> dict[str, list[Any]] | None:
    return None if weights is None else {kind: rows.tolist() for kind, rows in weights.items()}


def _named(architecture: Architecture) -> dict[str, float]:
    """All weights by name, such as `normal/0-2/sep_conv_3x3` of an operation and `normal/0-2` of an edge."""
    named: dict[str, float] = {}
    for kind in KINDS:
        rows = zip(EDGES, architecture.candidates[kind], architecture.weights[kind].tolist(), strict=True)
        for (source, target), names, row in rows:
            named |= {f"{kind}/{source}-{target}/{name}": weight for name, weight in zip(names, row, strict=True)}
        if architecture.edge_weights is not None:
            weights = zip(EDGES, architecture.edge_weights[kind].tolist(), strict=True)
            named |= {f"{kind}/{source}-{target}": weight for (source, target), weight in weights}
    return named
