"""Where both formulations compute, on what sizes, and how ours does it."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from pdarts.settings.config import Config, parse_config
from pdarts.settings.machine import Machine
from pdarts.settings.optimization import Precision
from pdarts.space.genotype import Genotype

ROOT = Path(__file__).parents[1]
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Setup:
    """Where and how work is done; both formulations get the same."""

    device: torch.device
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings that differ from those of `config.yaml`: of a `search`, and of the recipes `cifar` and `imagenet`."""
    tested: Mapping[str, int] = field(default_factory=dict)
    """Images in a batch of tests by recipe, where it is not that of the step `test`."""
    machine: Machine = field(default_factory=Machine)
    """How ours is computed."""
    precision: Precision = "float32"

    def with_machine(self, **changes: Any) -> "Setup":
        """The same, with ours computed another way."""
        return replace(self, machine=self.machine.model_copy(update=changes))

    def batch(self, size: int, classes: int, pixels: int) -> Batch:
        """Images and labels, the same ones at every call."""
        generator = torch.Generator().manual_seed(size)
        images = torch.randn(size, 3, pixels, pixels, generator=generator)
        return images.to(self.device), torch.randint(classes, (size,), generator=generator).to(self.device)

    def textbook_precision(self) -> AbstractContextManager[Any]:
        """The context in which the textbook formulation computes."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")


ON_CPU: dict[str, Any] = {
    "changes": {
        "search": {"batch_size": 16},
        "cifar": {"batch_size": 16},
        "imagenet": {"batch_size": 8, "drop_path": 0.3},
    },
    "tested": {"cifar": 16, "imagenet": 8},
}
"""Sizes that a CPU takes a second for. All else is the paper's, but for drop path, which ImageNet has here too."""


def setup_on(device: torch.device, machine: Machine) -> Setup:
    """The paper's batches on a GPU, each the share of one GPU where there are several, and small ones on a CPU."""
    return Setup(device, machine=machine) if device.type == "cuda" else Setup(device, machine=machine, **ON_CPU)


@cache
def config() -> Config:
    """The project's own."""
    return parse_config(yaml.safe_load((ROOT / "config.yaml").read_text()))


def published() -> Genotype:
    """The paper's cell."""
    path = ROOT / "pdarts" / "genotypes" / "PDARTS.json"
    return Genotype.parse(json.loads(path.read_text()), str(path))
