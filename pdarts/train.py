"""Train the evaluation network of a genotype from scratch.

The weights after the last epoch are written. No test image is read; if the recipe's train_portion is below 1, the
training images outside of that portion are not used either.
"""

from pathlib import Path
from typing import Any

import torch

from pdarts import extensions
from pdarts.checking import parse_argument
from pdarts.data import manifest
from pdarts.data.batches import batches_of_part
from pdarts.data.division import Division
from pdarts.engine import distributed, files, long_step, step
from pdarts.engine.loop import NetworkTraining, fit
from pdarts.engine.seeds import derive_seed
from pdarts.nets import saved
from pdarts.nets.agreement import settle
from pdarts.nets.execution import kernels, move_to_device
from pdarts.nets.network import Network
from pdarts.settings.recipes import Recipe
from pdarts.space import genotype_file


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    genotype_help = "by pdarts.derive, or any"
    parser.add_argument("--genotype", required=True, type=Path, metavar="GENOTYPE", help=genotype_help)
    parser.add_argument("--seed", required=True, type=int, help="seed of the training, from 0")
    parser.add_argument("--output", required=True, type=Path, metavar="WEIGHTS.pt", help="weights to write")
    long_step.add_arguments(parser, "training", Recipe)
    arguments = parser.parse_args()
    recipe = parse_argument(Recipe, arguments.settings, "--settings")
    work = long_step.LongStep("train", arguments, recipe)

    genotype = genotype_file.read(arguments.genotype)
    dataset = manifest.read(arguments.data)
    read = {"genotype": genotype.to_json(), "dataset": dataset.model_dump(mode="json")}
    work.claim(read, {"data": arguments.data, "genotype": arguments.genotype})
    batches = batches_of_part(dataset, Division(recipe.train_portion), 0, work.machine, work.batching(dataset))
    described: dict[str, Any] = {
        "stem": recipe.stem,
        "cells": recipe.cells,
        "channels": recipe.channels,
        "classes": len(dataset.classes),
        "auxiliary": recipe.auxiliary_weight is not None,
    }
    torch.manual_seed(derive_seed(arguments.seed, "initialization"))
    network = Network(genotype, **described)
    move_to_device(network, work.device, recipe.precision, work.machine)
    training, run = NetworkTraining(network, recipe, work.device, work.machine), work.run(arguments.seed, len(batches))
    training.begin_epoch(recipe.epochs - 1)  # where drop path is compared too
    settle(network, training.outcome, work.device, lambda: next(iter(batches.firsts([run.seed]))))
    run.kernels = kernels(network, work.device)
    fit(training, batches, run)
    if distributed.rank() == 0:
        content = {
            "network": described,
            "genotype": read["genotype"],
            "state": network.cpu().state_dict(),
            "dataset": read["dataset"],
            "recipe": recipe.model_dump(mode="json"),
            **work.record(run),
        }
        if own := extensions.behind(operations=genotype.operations()):
            content["extensions"] = {extension.file: extension.digest for extension in own}
        files.write_bytes(arguments.output, saved.dump(content))
        run.journal.tracker.finish()


if __name__ == "__main__":
    step.run(main)
