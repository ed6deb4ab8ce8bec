"""Turns a trained network into forms that other programs read: ONNX, `torch.export` and safetensors."""

import io
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from math import isnan
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from pdarts import memory
from pdarts.data.view import described
from pdarts.errors import InputError
from pdarts.nets.execution import Execution
from pdarts.nets.network import Network
from pdarts.nets.node import NodeValue, computed_by
from pdarts.space.genotype import Genotype
from pdarts.space.topology import kinds_of_cells

TOLERANCE = 1e-4
"""Largest difference of an exported form's values from the network's, as a part of the largest value, or of 1."""
BATCH_SIZES = (1, 7)
"""Numbers of images for which the forms are compared with the network; it is exported with another."""
TIMED = 50
"""Number of single images whose times are taken."""


@dataclass(frozen=True)
class Exported:
    """A function of images in two forms. Both take any number of images."""

    onnx: Any
    """A `torch.onnx.ONNXProgram`, with input `images` and output `logits`."""
    program: ExportedProgram
    difference: float
    """Largest difference of a form's values from the function's own, as `TOLERANCE` is meant."""


class _Logits(nn.Module):
    """A network that returns its logits alone."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits, _ = self.network(images)
        return logits


class _OnTensors(nn.Module):
    """An operation of a cell that takes a feature map in place of a node."""

    def __init__(self, operation: nn.Module) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, images: Tensor) -> Tensor:
        with computed_by("torch"):
            value: Tensor = self.operation(NodeValue(images), None)
        return value


def export(network: Network, genotype: Genotype, image_size: int, where: str) -> Exported:
    """Export a network that is in evaluation mode, on the CPU, and has no auxiliary head.

    PyTorch's own operations compute it from then on.

    Args:
        network: that computes logits, shape (N, classes), of normalized images, shape (N, 3, image_size, image_size).
        genotype: its cells.
        image_size: height and width of images in pixels.
        where: the name of its file, for messages.

    Raises:
        InputError: if it cannot be exported, or computes something else afterwards, with the name of the operation
            that is at fault.
    """
    network.execution = Execution(kernels="torch")
    shape = (3, image_size, image_size)
    try:
        return _exported(_Logits(network), shape, where)
    except InputError:
        for name, operation, size in _operations(network, genotype, shape):
            _exported(_OnTensors(operation), size, f"{where}: its operation {name!r}")
        raise


def metadata(trained: Mapping[str, Any], dataset: Mapping[str, Any], network: Mapping[str, Any]) -> dict[str, str]:
    """Describe an exported network, as text by key; all but `preprocessing` are JSON.

    Args:
        trained: what `pdarts.nets.saved.load` returned.
        dataset: values of the manifest of its images.
        network: arguments of `Network` beside the genotype.
    """
    values = {
        "classes": dataset["classes"],
        "image_size": dataset["image_size"],
        "mean": dataset["mean"],
        "std": dataset["std"],
        "genotype": trained["genotype"],
        "network": dict(network),
        "provenance": trained["provenance"],
    }
    return {"preprocessing": described(dataset), **{key: json.dumps(value) for key, value in values.items()}}


def serialized(onnx: Any) -> bytes:
    """Make the bytes of the file of a `torch.onnx.ONNXProgram`."""
    content: bytes = onnx.model_proto.SerializeToString()
    return content


def onnx_function(content: bytes) -> Callable[[Tensor], Tensor]:
    """Make a function that computes an ONNX file in ONNX Runtime, with as many threads as torch uses."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


@torch.inference_mode()
def latency(function: Callable[[Tensor], object], image_size: int) -> float:
    """Measure the median time in milliseconds for a single image, after a few that warm up."""
    image, times = torch.zeros(1, 3, image_size, image_size), []
    for _ in range(TIMED + 5):
        started = time.perf_counter()
        function(image)
        times.append(time.perf_counter() - started)
    return 1000 * median(times[-TIMED:])


def _exported(module: nn.Module, shape: tuple[int, ...], name: str) -> Exported:
    """Export a function of tensors of this shape, whose first dimension, the number of images, stays free.

    Raises:
        InputError: if it cannot be exported, or computes something else afterwards; the message begins with `name`.
    """
    example = (torch.zeros(2, *shape),)
    try:
        with _quiet():
            program = torch.export.export(module, example, dynamic_shapes={"images": {0: Dim("batch")}})
            for node in program.graph.nodes:
                node.meta.pop("stack_trace", None)  # names folders of this machine
            onnx = torch.onnx.export(
                program,
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes={"images": {0: "batch"}},
                verbose=False,
            )
        assert onnx is not None
        difference = _difference(module, (onnx_function(serialized(onnx)), program.module()), shape)
    except ImportError:
        raise
    except Exception as error:  # torch raises many kinds, and an operation of the user's may raise any
        cause = error.__cause__ or error  # torch.onnx tells what the matter is in the cause alone
        if memory.lack(cause) is not None:
            raise cause from None
        reason = next(iter(str(cause).strip().splitlines()), "no reason given")
        raise InputError(
            f"{name} cannot be exported ({type(cause).__name__}: {reason}); write it with operations of PyTorch that "
            "ONNX has, or use pdarts.nets.inference.Classifier"
        ) from error
    if isnan(difference):
        raise InputError(f"{name} computes values that are not finite; train it anew, or mend the operation")
    if not difference <= TOLERANCE:
        raise InputError(
            f"{name} computes other values once it is exported (they differ by {difference:.2g}, allowed: "
            f"{TOLERANCE:g}), so it depends on more than its input; mend that, or use "
            "pdarts.nets.inference.Classifier"
        )
    return Exported(onnx, program, difference)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what torch prints of a failure beside its error, such as whole graphs."""
    logging.disable(logging.ERROR)
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


@torch.inference_mode()
def _difference(module: nn.Module, forms: Iterable[Callable[[Tensor], Tensor]], shape: tuple[int, ...]) -> float:
    """Compare forms of a function with the function itself; NaN if one computes NaN."""
    draws, found = torch.Generator().manual_seed(0), []
    for batch_size in BATCH_SIZES:
        images = torch.randn(batch_size, *shape, generator=draws)
        expected = module(images)
        scale = expected.abs().max().clamp(min=1)
        found += [(form(images) - expected).abs().max() / scale for form in forms]
    return float(torch.stack(found).max())


def _operations(
    network: Network, genotype: Genotype, shape: tuple[int, ...]
) -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    """Yield the operations of a network that differ, each with its name and the shape of the feature map it takes.

    If one of them raises an error, it is the last.
    """
    shapes: dict[nn.Module, tuple[int, ...]] = {}

    def note(operation: nn.Module, inputs: tuple[Any, ...]) -> None:
        shapes[operation] = tuple(inputs[0].value.shape[1:])

    cells: Any = network.cells
    named = [
        (edge.operation, operation)
        for cell, kind in zip(cells, kinds_of_cells(len(cells)), strict=True)
        for edge, operation in zip(genotype.cell(kind).edges, cell.operations, strict=True)
    ]
    hooks = [operation.register_forward_pre_hook(note) for _, operation in named]
    with torch.inference_mode(), suppress(Exception):  # an operation that raises is the last one whose shape is noted
        network(torch.zeros(1, *shape))
    for hook in hooks:
        hook.remove()
    reached = [(name, operation, shapes[operation]) for name, operation in named if operation in shapes]
    yield from {(name, size): (name, operation, size) for name, operation, size in reached}.values()
