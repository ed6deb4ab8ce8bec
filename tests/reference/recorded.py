"""The recorded cases, and the rule by which every tensor of a case is drawn."""

import gzip
import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

FOLDER = Path(__file__).parent


@cache
def load(name: str) -> Any:
    """`derive` or `numerics`."""
    return json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))


def tensor(seed: int, name: str, shape: list[int] | tuple[int, ...]) -> Tensor:
    """The tensor of the reference's state dict that is called `name`, in float64."""
    generator = numpy.random.RandomState(zlib.crc32(f"{seed}/{name}".encode()))
    values = generator.standard_normal(tuple(shape)).astype(numpy.float32)
    normal = torch.from_numpy(numpy.asarray(values))
    if name.endswith("running_mean"):
        return (0.1 * normal).double()
    if name.endswith("running_var"):
        return (1 + 0.1 * normal.abs()).double()
    if name.startswith(("alphas", "betas")):
        return (0.5 * normal).double()
    if normal.dim() == 1:
        return (0.1 * normal if name.endswith("bias") else 1 + 0.1 * normal).double()
    return (normal * (2 / normal[0].numel()) ** 0.5).double()


def state(case: dict[str, Any], shapes: dict[str, list[int]]) -> dict[str, Tensor]:
    """A whole state dict under the reference's names."""
    return {
        name: torch.tensor(0) if name.endswith("num_batches_tracked") else tensor(case["seed"], name, shape)
        for name, shape in shapes.items()
    }


def images(case: dict[str, Any], tag: str) -> Tensor:
    """Input of one step, float64 of shape (batch, 3, size, size)."""
    size = case.get("resolution", 32)
    name, shape = f"{tag}.input", (case["batch"], 3, size, size)
    generator = numpy.random.RandomState(zlib.crc32(f"{case['seed']}/{name}".encode()))
    return torch.from_numpy(generator.standard_normal(shape).astype(numpy.float32)).double()


def targets(case: dict[str, Any]) -> Tensor:
    """Labels of every step, shape (batch,)."""
    return torch.tensor([(7 * place + 3) % case["num_classes"] for place in range(case["batch"])])
