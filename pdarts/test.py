"""Test trained weights on images that they were not trained on, and count the network's size.

These are the test images. If the recipe's train_portion is below 1, the training images outside of that portion are
taken instead: no test image is read, so that genotypes can be chosen by the result.
"""

import math
from argparse import Namespace
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from pdarts.checking import parse_argument
from pdarts.data import manifest
from pdarts.data.manifest import AnyManifest
from pdarts.engine import files, step
from pdarts.engine.device import set_up, steps_sharing
from pdarts.engine.divergence import all_finite
from pdarts.engine.graphs import Graphs, recorder
from pdarts.engine.invocation import Invocation
from pdarts.engine.metrics import evaluate
from pdarts.engine.resume_file import result_was_read
from pdarts.engine.testing import batches_to_test
from pdarts.engine.tracking import new_id
from pdarts.errors import InputError
from pdarts.nets import count, saved
from pdarts.nets.agreement import settle
from pdarts.nets.execution import kernels, move_to_device
from pdarts.nets.network import Network
from pdarts.settings.machine import Machine
from pdarts.space import genotype_file


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--data", required=True, type=Path, metavar="MANIFEST.json", help="manifest by pdarts.prepare")
    weights = "weights by pdarts.train, or a state dict of the reference implementation, bare or in a dict"
    parser.add_argument("--weights", required=True, type=Path, metavar="WEIGHTS.pt", help=weights)
    cells = "cells of a file of the reference implementation; weights by pdarts.train hold theirs"
    parser.add_argument("--genotype", type=Path, metavar="GENOTYPE", help=cells)
    output = "accuracies (percent) and sizes"
    parser.add_argument("--output", required=True, type=Path, metavar="TEST.json", help=output)
    parser.add_argument("--seed", type=int, help="seed of the training, for W&B")
    step.add_experiment(parser, "name of the training or checkpoint, for W&B")
    arguments = parser.parse_args()
    machine = parse_argument(Machine, arguments.machine, "--machine")
    invocation, device = Invocation("test", arguments), set_up(machine)

    genotype = None if arguments.genotype is None else genotype_file.read(arguments.genotype)
    trained = saved.load(arguments.weights, genotype)
    result_was_read(arguments.weights, trained["provenance"] or {})
    network = saved.network_of(trained, str(arguments.weights))
    if not all_finite(trained["state"].values()):
        raise InputError(
            f"{arguments.weights} holds values that are not finite, so its training has diverged; train anew "
            "with a lower learning_rate or a clip, or get the file anew from where it came"
        )
    move_to_device(network, device, "float32", machine)  # whatever it was trained in
    dataset = manifest.read(arguments.data)
    portion = trained["recipe"]["train_portion"] if trained["recipe"] else 1
    _check_dataset(arguments, trained, dataset, portion)
    batches = batches_to_test(dataset, portion, machine, device)
    settle(network, _outcome, device, lambda: next(batches.in_order()))
    logits_of = Graphs("test", lambda images: network(images)[0], recorder(device, machine))
    tally = evaluate(logits_of, batches.in_order(), device)
    if not math.isfinite(tally.loss):
        raise InputError(
            f"{arguments.weights}: the loss on {arguments.data} is {tally.loss}, since its outputs are too large for "
            "float32; train anew with a lower learning_rate or a clip"
        )
    figures = {
        "top1": tally.top1,
        "top5": tally.top5,
        "loss": tally.loss,
        "images": tally.images,
        "parameters": count.parameters(network),
        "multiply_adds": count.multiply_adds(network, dataset.image_size),
    }
    provenance = invocation.provenance(device, {"data": arguments.data})
    provenance |= {"kernels": kernels(network, device), "steps_per_gpu": steps_sharing(device, machine)}
    result = {
        **figures,
        "seconds": provenance["seconds"],
        "epochs_run": trained.get("epochs_run"),
        "training_seconds": trained["seconds"],
        "settings": {"dataset": dataset.model_dump(mode="json"), "recipe": trained["recipe"]},
        "network": trained["network"],
        "genotype": trained["genotype"],
        "provenance": provenance,
        "training_provenance": trained["provenance"],
    }
    files.write_json(arguments.output, result)

    tracker = invocation.tracker(machine.wandb, "test", trained["recipe"] or trained["network"])
    tracker.start(new_id())
    tracker.summary(figures)
    tracker.finish()


def _outcome(network: Network, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    logits, _ = network(images)
    return F.cross_entropy(logits, labels), logits


def _check_dataset(arguments: Namespace, trained: dict[str, Any], dataset: AnyManifest, portion: float) -> None:
    """Refuse a dataset with other classes than the training's, or of which nobody knows what was trained on."""
    classes = trained["network"]["classes"]
    if len(dataset.classes) != classes:
        source = f" ({trained['dataset']['source']})" if trained["dataset"] else ""
        raise InputError(
            f"{arguments.weights} has {classes} classes, but {arguments.data} has {len(dataset.classes)}; test "
            f"it on the dataset it was trained on{source}"
        )
    names = trained["dataset"]["classes"] if trained["dataset"] else dataset.classes
    for label, (expected, found) in enumerate(zip(names, dataset.classes, strict=True)):
        if found != expected:
            raise InputError(
                f"{arguments.weights} calls class {label} {expected!r}, but {arguments.data} calls it {found!r}; test "
                "it on images whose classes have the same names in the same order"
            )
    if portion < 1 and dataset.model_dump(mode="json") != trained["dataset"]:
        raise InputError(
            f"{arguments.weights} was trained on a part of the images of another dataset than {arguments.data} "
            "describes, so the others may be among them; give the manifest that pdarts.train was given"
        )


if __name__ == "__main__":
    step.run(main)
