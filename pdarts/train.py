"""Train the evaluation network of a genotype from scratch.

The weights after the last epoch are written; no test image is looked at. Where the recipe's train_portion is below 1,
neither are the training images behind it.
"""

from pathlib import Path
from typing import Any

import torch

from pdarts import extensions
from pdarts.checking import parse_argument
from pdarts.data import manifest
from pdarts.data.batches import batches_of_parts
from pdarts.data.division import Division
from pdarts.engine import device, distributed, files, step
from pdarts.engine.checkpoint import Checkpoint
from pdarts.engine.journal import Journal
from pdarts.engine.loop import fit
from pdarts.engine.progress import Progress
from pdarts.engine.provenance import now, provenance
from pdarts.engine.seeds import derive_seed
from pdarts.engine.tracking import Tracker
from pdarts.nets import saved
from pdarts.nets.execution import kernels, place
from pdarts.nets.network import Network
from pdarts.settings.machine import Machine
from pdarts.settings.recipes import Recipe
from pdarts.sources import fingerprint
from pdarts.space.genotype import Genotype


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--data", required=True, type=Path, metavar="MANIFEST.json", help="manifest by pdarts.prepare")
    parser.add_argument(
        "--genotype", required=True, type=Path, metavar="GENOTYPE.json", help="by pdarts.derive, or any"
    )
    step.add_settings(parser, Recipe)
    parser.add_argument("--seed", required=True, type=int, help="seed of the training, from 0")
    parser.add_argument("--output", required=True, type=Path, metavar="WEIGHTS.pt", help="weights to write")
    parser.add_argument("--metrics", required=True, type=Path, metavar="METRICS.jsonl", help="a line an epoch")
    parser.add_argument("--experiment", default="by-hand", help="name of the training, for progress and W&B")
    step.add_extensions(parser)
    step.add_machine(parser)
    step.add_rehearsal(parser)
    arguments = parser.parse_args()
    recipe = parse_argument(Recipe, arguments.settings, "--settings")
    machine = parse_argument(Machine, arguments.machine, "--machine")
    started, where = now(), device.set_up(machine)
    distributed.start(recipe.processes, where)

    value = files.read_json(arguments.genotype, "genotype file", "pdarts.derive")
    genotype = Genotype.parse(value, str(arguments.genotype))
    dataset = manifest.read(arguments.data)
    batches, _ = batches_of_parts(
        dataset,
        Division(recipe.train_portion),
        machine,
        recipe.batch_size,
        recipe.augmentation,
        where,
        distributed.share(),
    )
    described: dict[str, Any] = {
        "stem": recipe.stem,
        "cells": recipe.cells,
        "channels": recipe.channels,
        "classes": len(dataset.classes),
        "auxiliary": recipe.auxiliary_weight is not None,
    }
    torch.manual_seed(derive_seed(arguments.seed, "initialization"))
    network = Network(genotype, **described)
    place(network, where, recipe.precision, machine)
    settings = recipe.model_dump(mode="json")
    name = f"{arguments.experiment} seed {arguments.seed}"
    config = {"seed": arguments.seed, **settings}
    tracker = Tracker(machine.wandb, "train", arguments.experiment, name, config, arguments.rehearsal)
    journal = Journal(arguments.metrics, tracker, Progress(f"train {name}", recipe.epochs, len(batches)))
    identity = {
        "step": "train",
        "seed": arguments.seed,
        "settings": settings,
        "genotype": value,
        "dataset": dataset.model_dump(mode="json"),
        "code": fingerprint("train", extensions=arguments.extensions),
    }
    checkpoint = Checkpoint(arguments.output, identity, machine.resume_other_code)
    run = fit(network, recipe, batches, arguments.seed, where, journal, checkpoint)
    if distributed.rank() > 0:
        return
    inputs = {"data": arguments.data, "genotype": arguments.genotype}
    record = provenance(
        where,
        started,
        step="train",
        extensions=arguments.extensions,
        seed=arguments.seed,
        inputs=inputs,
        rehearsal=arguments.rehearsal,
    )
    record |= {"resumed": run.resumed, "kernels": kernels(where, recipe.precision, machine)}
    content = {
        "network": described,
        "genotype": value,
        "state": network.cpu().state_dict(),
        "dataset": dataset.model_dump(mode="json"),
        "recipe": settings,
        "seconds": round(record["seconds"] + run.earlier_seconds, 3),
        "provenance": record,
    }
    if own := extensions.behind(operations=genotype.operations()):
        content["extensions"] = {extension.file: extension.digest for extension in own}
    files.write_bytes(arguments.output, saved.dump(content))
    if distributed.processes() == 1:
        checkpoint.remove()  # of several processes the rule removes it, since torchrun can still fail
    tracker.finish()


if __name__ == "__main__":
    step.run(main)
