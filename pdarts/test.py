"""Test trained weights on images that they were not trained on, and count the network's size.

These are the test images; or, where the recipe's train_portion is below 1, the training images behind it: then no test
image is looked at, so that genotypes can be chosen by the result.
"""

from pathlib import Path

from pdarts.checking import parse_argument
from pdarts.data import manifest
from pdarts.data.batches import batches_of, batches_of_parts
from pdarts.data.division import Division
from pdarts.engine import device, files, step
from pdarts.engine.metrics import evaluate
from pdarts.engine.provenance import now, provenance
from pdarts.engine.tracking import Tracker, new_id
from pdarts.errors import InputError
from pdarts.nets import count, saved
from pdarts.nets.execution import kernels, place
from pdarts.settings.machine import Machine
from pdarts.space.genotype import Genotype

BATCH_SIZE = 256


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--data", required=True, type=Path, metavar="MANIFEST.json", help="manifest by pdarts.prepare")
    parser.add_argument(
        "--weights",
        required=True,
        type=Path,
        metavar="WEIGHTS.pt",
        help="weights by pdarts.train, or a state dict of the reference implementation, bare or in a dict",
    )
    parser.add_argument(
        "--genotype",
        type=Path,
        metavar="GENOTYPE.json",
        help="cells of a file of the reference implementation; weights by pdarts.train hold theirs",
    )
    parser.add_argument(
        "--output", required=True, type=Path, metavar="TEST.json", help="accuracies (percent) and sizes"
    )
    parser.add_argument("--experiment", default="by-hand", help="name of the training or checkpoint, for W&B")
    parser.add_argument("--seed", type=int, help="seed of the training, for W&B")
    step.add_extensions(parser)
    step.add_machine(parser)
    step.add_rehearsal(parser)
    arguments = parser.parse_args()
    machine = parse_argument(Machine, arguments.machine, "--machine")
    once = Machine(kernels=machine.kernels)  # a pass is too short to compile
    started, where = now(), device.set_up(machine)

    trained = saved.load(arguments.weights, _genotype(arguments.genotype))
    network = saved.network_of(trained, str(arguments.weights))
    place(network, where, "float32", once)  # whatever it was trained in
    dataset = manifest.read(arguments.data)
    if len(dataset.classes) != trained["network"]["classes"]:
        source = f" ({trained['dataset']['source']})" if trained["dataset"] else ""
        raise InputError(
            f"{arguments.weights} tells {trained['network']['classes']} classes apart, but {arguments.data} has "
            f"{len(dataset.classes)}; test it on the dataset it was trained on{source}"
        )
    portion = trained["recipe"]["train_portion"] if trained["recipe"] else 1
    if portion < 1:
        _, batches = batches_of_parts(dataset, Division(portion), machine, BATCH_SIZE, None, where)
    else:
        batches = batches_of(dataset, "test", machine, BATCH_SIZE, None, where)
    tally = evaluate(lambda batch: network(batch)[0], batches.in_order(), where)
    inputs = {"data": arguments.data}
    record = provenance(
        where,
        started,
        step="test",
        extensions=arguments.extensions,
        seed=arguments.seed,
        inputs=inputs,
        rehearsal=arguments.rehearsal,
    )
    record |= {"kernels": kernels(where, "float32", once)}
    result = {
        "top1": tally.top1,
        "top5": tally.top5,
        "loss": tally.loss,
        "images": tally.images,
        "parameters": count.parameters(network),
        "multiply_adds": count.multiply_adds(network, dataset.image_size),
        "seconds": record["seconds"],
        "training_seconds": trained["seconds"],
        "settings": {"dataset": dataset.model_dump(mode="json"), "recipe": trained["recipe"]},
        "network": trained["network"],
        "genotype": trained["genotype"],
        "provenance": record,
        "training_provenance": trained["provenance"],
    }
    files.write_json(arguments.output, result)
    seed = "" if arguments.seed is None else f" seed {arguments.seed}"
    config = {"seed": arguments.seed, **(trained["recipe"] or trained["network"])}
    name = f"{arguments.experiment}{seed} test"
    tracker = Tracker(machine.wandb, "test", arguments.experiment, name, config, arguments.rehearsal)
    tracker.start(new_id())
    tracker.summary({key: result[key] for key in ("top1", "top5", "loss", "images", "parameters", "multiply_adds")})
    tracker.finish()


def _genotype(path: Path | None) -> Genotype | None:
    return None if path is None else Genotype.parse(files.read_json(path, "genotype file", "pdarts.derive"), str(path))


if __name__ == "__main__":
    step.run(main)
