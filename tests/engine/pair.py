"""A training and three searches in float64: as each of two processes does them, started by torchrun, and in one process
that does the work of both in turn."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from pdarts.data.batching import Batching
from pdarts.data.loaders import Batch, Loader
from pdarts.data.share import WHOLE, Share
from pdarts.data.split import Split
from pdarts.engine import distributed
from pdarts.engine.journal import Journal
from pdarts.engine.loop import NetworkTraining, fit
from pdarts.engine.metrics import Tally, evaluate
from pdarts.engine.progress import Progress
from pdarts.engine.resume_file import ResumeFile
from pdarts.engine.run import Run
from pdarts.engine.schedules import cosine
from pdarts.engine.seeds import derive_seed
from pdarts.engine.termination import PROCESS
from pdarts.engine.tracking import Tracker
from pdarts.nets.network import Network
from pdarts.nets.supernet import Supernet
from pdarts.progressive.methods.sdarts import project
from pdarts.progressive.schedule import skip_dropout
from pdarts.progressive.stage import search_stage
from pdarts.settings.machine import Machine, Wandb
from pdarts.space.candidates import all_candidates
from tests.configuration import CONFIG
from tests.genotypes import published
from tests.searching import scalar, settings_of

CPU = torch.device("cpu")
SHARES = (Share(0, 2), Share(1, 2))
SEED = 3
SMALL = {"cells": 3, "channels": 2, "batch_size": 8, "processes": 2, "epochs": 2}
RECIPE = CONFIG.recipes["digits"].model_copy(update=SMALL | {"drop_path": 0.3})
FEW = {"candidates": ("none", "max_pool_3x3", "skip_connect", "sep_conv_3x3"), "operations": 4, "frozen_epochs": 0}
FIRST_ORDER = CONFIG.searches["digits"].stage_settings(1).model_copy(update=SMALL | FEW | {"skip_dropout": 0.3})
SECOND_ORDER = FIRST_ORDER.model_copy(update={"method": "second_order", "alphas_batches": "anew"})
ADVERSARIAL = settings_of("sdarts", **SMALL, **FEW, skip_dropout=0.3, perturbation="adversarial")
IMAGES = 13
"""Of each pass: the last batch has 5, of which the processes get 3 and 2."""


class Double:
    """Batches in float64."""

    def __init__(self, seed: int, share: Share, batch_size: int = 8) -> None:
        generator = torch.Generator().manual_seed(seed)
        images = torch.randint(256, (IMAGES, 3, 16, 16), dtype=torch.uint8, generator=generator)
        split = Split(images, torch.randint(10, (IMAGES,), generator=generator))
        self.loader = Loader(split, Batching(batch_size, RECIPE.augmentation, CPU, share), (0.5,) * 3, (0.25,) * 3)

    def __len__(self) -> int:
        return len(self.loader)

    def shuffled(self, seed: int, start: int = 0) -> Iterator[Batch]:
        return self._double(self.loader.shuffled(seed, start))

    def firsts(self, seeds: Iterable[int]) -> Iterator[Batch]:
        return self._double(self.loader.firsts(seeds))

    def in_order(self) -> Iterator[Batch]:
        return self._double(self.loader.in_order())

    def _double(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        return ((images.double(), labels) for images, labels in batches)


def network() -> Network:
    torch.manual_seed(SEED)
    return Network(published("PDARTS"), RECIPE.stem, RECIPE.cells, RECIPE.channels, 10, False)


def run_in(folder: Path) -> Run:
    folder.mkdir(exist_ok=True)
    tracker = Tracker(Wandb(mode="disabled"), "", "", "", {})
    journal = Journal(folder / "metrics.jsonl", tracker, Progress("", 3, 3))
    return Run(SEED, CPU, journal, ResumeFile(folder / "x", {}, other_code=False))


def train(folder: Path, layout: torch.memory_format = torch.contiguous_format) -> dict[str, Tensor]:
    """As one of the processes, with weights laid out in memory as on a CPU, or as on a GPU."""
    trained = network().to(memory_format=layout)
    training = NetworkTraining(trained, RECIPE, CPU, Machine())
    fit(training, Double(0, distributed.share()), run_in(folder))
    return trained.state_dict()


def search(stage: Any, folder: Path) -> dict[str, Tensor]:
    """As one of the processes; the weights of operations."""
    halves = Double(0, distributed.share()), Double(1, distributed.share())
    architecture = search_stage(stage, all_candidates(stage.candidates), halves, 10, Machine(), run_in(folder))
    return dict(architecture.weights)


def resumed(stage: Any, folder: Path) -> dict[str, Tensor]:
    """The same, told to end and continued in the middle of the first epoch."""
    PROCESS.told = True
    with suppress(SystemExit):
        search(stage, folder)
    PROCESS.told = False
    return search(stage, folder)


def scored(share: Share) -> Tally:
    """All images; the last batch has one, so one process gets none."""
    tested = network().eval()
    return evaluate(lambda images: tested(images)[0], Double(0, share, 4).in_order(), CPU)


SEARCHES = {"first_order": FIRST_ORDER, "second_order": SECOND_ORDER, "adversarial": ADVERSARIAL}
WORK = {
    "train": train,
    "train_channels_last": partial(train, layout=torch.channels_last),
    **{name: partial(search, stage) for name, stage in SEARCHES.items()},
    **{f"{name}_resumed": partial(resumed, stage) for name, stage in SEARCHES.items()},
}


def dropping(drop_path: float, one: Network, images: Tensor) -> Tensor:
    return one(images, drop_path=scalar(drop_path))[0]


def relaxed(one: Supernet) -> dict[str, Tensor]:
    return {kind: alphas.softmax(1) for kind, alphas in one.architecture_parameters["alpha"].items()}


def mixing(dropout: float, one: Supernet, images: Tensor) -> Tensor:
    return one(images, relaxed(one), scalar(dropout))


def mixing_at(weights: list[Tensor], own_statistics: bool, dropout: float, one: Supernet, images: Tensor) -> Tensor:
    """With other weights, and if need be with statistics that are thrown away."""
    held = {name: buffer.clone() for name, buffer in one.named_buffers()} if own_statistics else {}
    inputs = (images, relaxed(one), scalar(dropout))
    return functional_call(one, dict(zip(one.weight_names(), weights, strict=True)) | held, inputs)


def mixing_by(weights: dict[str, Tensor], dropout: float, one: Supernet, images: Tensor) -> Tensor:
    """With other architecture weights."""
    return one(images, weights, scalar(dropout) if dropout else None)


class InTurn:
    """Two networks, each with random numbers of its own, whose gradients are averaged."""

    def __init__(self, make: Any) -> None:
        self.networks: list[Any] = [make(), make()]
        self.random: list[Tensor] = []
        self.losses: list[float] = []

    def begin(self, epoch: int) -> None:
        seeds = [derive_seed(SEED, "epoch", epoch) + number for number in range(2)]
        self.random = [torch.Generator().manual_seed(seed).get_state() for seed in seeds]
        self.losses = []

    def gradients(self, batch: Batch, forward: Any, inputs: Any, kept: bool = False) -> list[Tensor]:
        """Of the mean loss of the batch, of which each network sees its share."""
        found, loss_sum = [], 0.0
        for number, (network, share) in enumerate(zip(self.networks, SHARES, strict=True)):
            images, labels = (part[share.of(len(part))] for part in batch)
            torch.set_rng_state(self.random[number])
            loss = F.cross_entropy(forward(network, images), labels)
            self.random[number] = torch.get_rng_state()
            gradients = torch.autograd.grad(loss, inputs(network), materialize_grads=True)
            found.append([len(labels) * gradient for gradient in gradients])
            loss_sum += len(labels) * loss.item()
        if kept:
            self.losses.append(loss_sum)
        return [(one + other) / len(batch[1]) for one, other in zip(*found, strict=True)]

    def loss_of(self, batch: Batch, forward: Any) -> float:
        """Mean loss of the batch, of which each network sees its share; nothing is drawn."""
        loss_sum = 0.0
        for network, share in zip(self.networks, SHARES, strict=True):
            images, labels = (part[share.of(len(part))] for part in batch)
            loss_sum += len(labels) * F.cross_entropy(forward(network, images), labels).item()
        return loss_sum / len(batch[1])

    def uniform(self, number: int, like: dict[str, Tensor]) -> dict[str, Tensor]:
        """What one of the two draws."""
        torch.set_rng_state(self.random[number])
        drawn = {kind: torch.rand_like(tensor) for kind, tensor in like.items()}
        self.random[number] = torch.get_rng_state()
        return drawn

    @property
    def loss(self) -> float:
        """Mean loss of the images of an epoch."""
        return sum(self.losses) / IMAGES


def step(parameters: list[nn.Parameter], gradients: list[Tensor], optimizer: Any, clip: float | None) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    if clip is not None:
        clip_grad_norm_(parameters, clip)
    optimizer.step()


def sgd(parameters: Any, settings: Any) -> torch.optim.SGD:
    return torch.optim.SGD(
        parameters, settings.learning_rate, momentum=settings.momentum, weight_decay=settings.weight_decay
    )


def train_in_turn() -> tuple[dict[str, Tensor], list[float]]:
    """State of the first network, and mean losses by epoch."""
    pair, losses = InTurn(network), []
    for one in pair.networks:
        one.train()
    optimizers = [sgd(one.parameters(), RECIPE.optimizer) for one in pair.networks]
    for epoch in range(RECIPE.epochs):
        pair.begin(epoch)
        rate = cosine(epoch, RECIPE.epochs, RECIPE.optimizer.learning_rate, 0.0)
        drop_path = RECIPE.drop_path * epoch / RECIPE.epochs
        for batch in Double(0, WHOLE).shuffled(derive_seed(SEED, "images", epoch)):
            gradients = pair.gradients(
                batch, partial(dropping, drop_path), lambda one: list(one.parameters()), kept=True
            )
            for one, optimizer in zip(pair.networks, optimizers, strict=True):
                optimizer.param_groups[0]["lr"] = rate
                step(list(one.parameters()), gradients, optimizer, RECIPE.optimizer.clip)
        losses.append(pair.loss)
    return pair.networks[0].state_dict(), losses


def supernet(stage: Any) -> Supernet:
    torch.manual_seed(derive_seed(SEED, "initialization"))
    return Supernet(stage.cells, stage.channels, 10, all_candidates(stage.candidates))


def alphas_batches(stage: Any, seed: int) -> Iterator[Batch]:
    images = Double(1, WHOLE)
    if stage.alphas_batches == "anew":
        yield from images.firsts(derive_seed(seed, number) for number in range(100))
    for number in range(100):
        yield from images.shuffled(derive_seed(seed, number))


def search_in_turn(stage: Any) -> tuple[dict[str, Tensor], list[float]]:
    """Weights of operations, and mean losses by epoch."""
    pair, losses = InTurn(partial(supernet, stage)), []
    optimizers = [sgd(one.weights(), stage.weights) for one in pair.networks]
    of_alphas = [
        torch.optim.Adam(
            one.alphas(), stage.alphas.learning_rate, stage.alphas.betas, weight_decay=stage.alphas.weight_decay
        )
        for one in pair.networks
    ]
    for epoch in range(stage.epochs):
        pair.begin(epoch)
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = cosine(epoch, stage.epochs, stage.weights.learning_rate, 0.0)
        dropout = skip_dropout(stage, epoch)
        forward = partial(mixing, dropout)
        others = alphas_batches(stage, derive_seed(SEED, "alphas_images", epoch))
        for batch in Double(0, WHOLE).shuffled(derive_seed(SEED, "weights_images", epoch)):
            if epoch >= stage.frozen_epochs:
                if stage.method == "second_order":
                    gradients = second_order(pair, next(others), batch, optimizers[0], dropout)
                else:
                    gradients = pair.gradients(next(others), forward, Supernet.alphas)
                for one, optimizer in zip(pair.networks, of_alphas, strict=True):
                    step(one.alphas(), gradients, optimizer, stage.alphas.clip)
            if stage.method == "sdarts":
                forward_weights = partial(mixing_by, attacked(pair, stage, epoch, batch), dropout)
            else:
                forward_weights = forward
            gradients = pair.gradients(batch, forward_weights, Supernet.weights, kept=True)
            for one, optimizer in zip(pair.networks, optimizers, strict=True):
                step(one.weights(), gradients, optimizer, stage.weights.clip)
        losses.append(pair.loss)
    return {kind: rows.detach() for kind, rows in relaxed(pair.networks[0]).items()}, losses


def second_order(pair: InTurn, batch: Batch, train_batch: Batch, optimizer: Any, dropout: float) -> list[Tensor]:
    """Gradients of the alphas through a virtual step of the weights."""
    weights, (group,) = pair.networks[0].weights(), optimizer.param_groups
    gradients = pair.gradients(train_batch, partial(mixing, dropout), Supernet.weights)
    virtual = []
    for weight, gradient in zip(weights, gradients, strict=True):
        velocity = optimizer.state[weight].get("momentum_buffer", torch.zeros_like(weight))
        moved = weight - group["lr"] * (gradient + group["weight_decay"] * weight + group["momentum"] * velocity)
        virtual.append(moved.detach().requires_grad_())

    gradients = pair.gradients(batch, partial(mixing_at, virtual, True, dropout), lambda one: [*one.alphas(), *virtual])
    direct, directions = gradients[:2], gradients[2:]
    radius = 0.01 / torch.cat([direction.flatten() for direction in directions]).norm()
    sides = []
    for sign in (1, -1):
        moved = [(w + sign * radius * d).detach() for w, d in zip(weights, directions, strict=True)]
        sides.append(pair.gradients(train_batch, partial(mixing_at, moved, False, dropout), Supernet.alphas))
    return [d - group["lr"] * (plus - minus) / (2 * radius) for d, plus, minus in zip(direct, *sides, strict=True)]


def attacked(pair: InTurn, stage: Any, epoch: int, batch: Batch) -> dict[str, Tensor]:
    """Architecture weights near those of the alphas that raise the loss of both shares of the batch."""
    at_rest = {kind: rows.detach() for kind, rows in relaxed(pair.networks[0]).items()}
    drawn, _ = (pair.uniform(number, at_rest) for number in range(2))  # both draw, and the first one's count
    first, last = stage.radius
    radius = first + (last - first) * epoch / stage.epochs
    weights = {kind: project(rows + radius * (2 * drawn[kind] - 1)) for kind, rows in at_rest.items()}
    first_one, second_one = pair.networks
    for buffer, of_first in zip(second_one.buffers(), first_one.buffers(), strict=True):
        buffer.copy_(of_first)
    for one in pair.networks:
        one.eval()
    for _ in range(7):
        leaves = {kind: rows.requires_grad_() for kind, rows in weights.items()}
        rising = pair.gradients(batch, partial(mixing_by, leaves, 0.0), lambda _, leaves=leaves: [*leaves.values()])
        weights = {}
        for (kind, rows), gradient in zip(at_rest.items(), rising, strict=True):
            moved = leaves[kind].detach() + 2 * radius / 7 * gradient.sign()
            weights[kind] = project(rows + (moved - rows).clamp(-radius, radius))
    before, after = (pair.loss_of(batch, partial(mixing_by, found, 0.0)) for found in (at_rest, weights))
    for one in pair.networks:
        one.train()
    return at_rest if before > after else weights


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_default_dtype(torch.float64)
    distributed.start(2, CPU)
    for name, work in WORK.items():
        result = work(folder / name)
        torch.save(result, folder / f"{name}{distributed.rank()}.pt")
    torch.save(scored(distributed.share()).state_dict(), folder / f"scored{distributed.rank()}.pt")


def losses(folder: Path) -> list[float]:
    """Mean training losses that a process wrote."""
    return [json.loads(line)["train_loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


if __name__ == "__main__":
    main()
