"""The training loop of evaluation networks."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from pdarts.data.loaders import Batches
from pdarts.engine import distributed
from pdarts.engine.metrics import Tally
from pdarts.engine.run import Run
from pdarts.engine.schedules import drop_path_rate, learning_rate
from pdarts.engine.seeds import derive_seed
from pdarts.settings.recipes import Recipe


def fit(network: nn.Module, recipe: Recipe, batches: Batches, run: Run) -> None:
    """Train `network` in place; the weights after the last epoch are the result.

    Args:
        network: `network(images, drop_path=rate)` computes logits, and auxiliary logits or None.
        recipe: epochs, optimizer, schedules and losses.
        batches: passes over all training images; this process takes its share of each batch.
        run: counts epochs and iterations; network and images are on its device.
    """
    parameters, settings = list(network.parameters()), recipe.optimizer
    optimizer = torch.optim.SGD(
        parameters,
        settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    network.train()
    tally = Tally(run.device)
    run.begin({"network": network, "optimizer": optimizer}, {"train": tally})
    for epoch in run.epochs(recipe.epochs):
        rate, drop_path = learning_rate(recipe, epoch), drop_path_rate(recipe, epoch)
        for group in optimizer.param_groups:
            group["lr"] = rate
        images_seed = derive_seed(run.seed, "images", epoch)
        for images, labels in run.iterations(partial(batches.shuffled, images_seed)):
            logits, auxiliary_logits = network(images, drop_path=drop_path)
            loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            if auxiliary_logits is not None and recipe.auxiliary_weight is not None:
                auxiliary_loss = F.cross_entropy(auxiliary_logits, labels, label_smoothing=recipe.label_smoothing)
                loss = loss + recipe.auxiliary_weight * auxiliary_loss
            optimizer.zero_grad()
            loss.backward()
            distributed.average_gradients(parameters, len(labels))
            if settings.clip is not None:
                clip_grad_norm_(parameters, settings.clip)
            optimizer.step()
            tally.add(loss.detach(), logits.detach(), labels)
            run.journal.iteration(epoch, run.iteration, loss)
        seen = tally.over_processes()
        metrics = {
            "train_loss": seen.loss,
            "train_accuracy": seen.top1,
            "learning_rate": rate,
            "drop_path": drop_path,
        }
        run.journal.epoch(epoch, {**metrics, "seconds": round(run.epoch_seconds, 3)})
