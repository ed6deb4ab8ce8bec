"""Export a trained network to forms that other programs read, and measure them on this CPU.

    python -m pdarts.export --weights results/train/digits/seed0/weights.pt --output-stem network

Three files are written: network.onnx, network.pt2 (torch.export) and network.safetensors (weights alone). The first
two take normalized images, shape (N, 3, H, W), and return logits, shape (N, classes). All three hold, as metadata, how
images are prepared, the names of the classes, the genotype, and the provenance of the training.
"""

import io
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from pdarts import paths
from pdarts.checking import parse_argument
from pdarts.data import manifest
from pdarts.engine import files, step
from pdarts.engine.device import device_name
from pdarts.errors import InputError, counted
from pdarts.nets import exporting, saved
from pdarts.settings.machine import Machine
from pdarts.space import genotype_file
from pdarts.space.genotype import Genotype


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    weights = "weights by pdarts.train, or a state dict of the reference implementation, bare or in a dict"
    parser.add_argument("--weights", required=True, type=Path, metavar="WEIGHTS.pt", help=weights)
    of_others = "of a file of the reference implementation; weights by pdarts.train hold theirs"
    parser.add_argument("--genotype", type=Path, metavar="GENOTYPE", help=f"cells {of_others}")
    parser.add_argument("--data", type=Path, metavar="MANIFEST.json", help=f"manifest of the images {of_others}")
    step.add_output_stem(parser, paths.EXPORT_FORMS)
    step.add_extensions(parser)
    step.add_machine(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(parse_argument(Machine, arguments.machine, "--machine").threads)

    genotype = None if arguments.genotype is None else genotype_file.read(arguments.genotype)
    trained = saved.load(arguments.weights, genotype)
    dataset = _dataset(trained, arguments.data, arguments.weights)
    network = saved.network_of(trained, str(arguments.weights))
    network.auxiliary = None  # computes in training only
    network.requires_grad_(False)
    cells = Genotype.parse(trained["genotype"], str(arguments.weights))
    exported = exporting.export(network, cells, dataset["image_size"], str(arguments.weights))
    told = exporting.metadata(trained, dataset, trained["network"] | {"auxiliary": False})
    contents = _contents(exported, network.state_dict(), told)
    message = _message(arguments.output_stem, contents, exported, dataset["image_size"])
    files.write_together({Path(f"{arguments.output_stem}.{ending}"): content for ending, content in contents.items()})
    print(message)


def _dataset(trained: dict[str, Any], given: Path | None, weights: Path) -> dict[str, Any]:
    """Values of the manifest of the images that the network was trained on.

    Raises:
        InputError: if not exactly one of the weights and the option tells, or the option tells of other classes.
    """
    if trained["dataset"] is not None:
        if given is not None:
            raise InputError(f"{weights}: it says how images are prepared; it needs no --data")
        return dict(trained["dataset"])
    if given is None:
        raise InputError(f"{weights}: it does not say how images are prepared; name the manifest of its images: --data")
    dataset = manifest.read(given).model_dump(mode="json")
    if len(dataset["classes"]) != trained["network"]["classes"]:
        raise InputError(
            f"{weights} has {trained['network']['classes']} classes, but {given} has "
            f"{len(dataset['classes'])}; name the manifest of the images it was trained on"
        )
    return dataset


def _contents(exported: exporting.Exported, state: dict[str, torch.Tensor], told: dict[str, str]) -> dict[str, bytes]:
    """Make the content of each file, by its ending."""
    from safetensors.torch import save

    exported.onnx.model.metadata_props.update(told)
    program = io.BytesIO()
    torch.export.save(exported.program, program, extra_files={"metadata.json": json.dumps(told)})
    weights = {name: tensor.contiguous() for name, tensor in state.items()}
    return {
        "onnx": exporting.serialized(exported.onnx),
        "pt2": program.getvalue(),
        "safetensors": save(weights, told),
    }


def _message(stem: str, contents: dict[str, bytes], exported: exporting.Exported, image_size: int) -> str:
    """Write the size of each file, and the time that a single image takes where a file computes."""
    computing: dict[str, tuple[str, Callable[[torch.Tensor], Any]]] = {
        "onnx": (f"ONNX Runtime {version('onnxruntime')}", exporting.onnx_function(contents["onnx"])),
        "pt2": (f"PyTorch {torch.__version__}", exported.program.module()),
    }
    lines = []
    for ending, content in contents.items():
        line = f"{stem}.{ending}: {len(content) / 1e6:.3g} MB"
        if ending in computing:
            program, function = computing[ending]
            line += f", {exporting.latency(function, image_size):.3g} ms an image by {program}"
        lines.append(line)
    lines.append(
        f"times: median of {exporting.TIMED} single images, {counted(torch.get_num_threads(), 'thread')} of "
        f"{device_name(torch.device('cpu'))}; values differ from the network's by at most {exported.difference:.1g}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    step.run(main)
