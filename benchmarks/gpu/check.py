"""What every part of a check gets, and what a part is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.setup import Setup
from pdarts.engine.device import set_up
from pdarts.settings.machine import Machine
from pdarts.settings.optimization import Precision

Row = dict[str, Any]
"""A line of a table by its columns. `right` says whether it is as it must be; dicts and lists appear in JSON only."""

SMALL = {"cells": 3, "channels": 4, "batch_size": 2}
TOY: dict[str, Any] = {
    "changes": {"search": SMALL | {"operations": 2}, "cifar": SMALL, "imagenet": SMALL},
    "tested": {"cifar": 2, "imagenet": 2},
}
"""Sizes of a dry run."""


@dataclass(frozen=True)
class Check:
    """A check, or a dry run of it."""

    dry: bool
    """Whether all of it runs at toy size on a CPU."""
    folder: Path
    """Where parts may leave files until the check ends."""
    python: str
    """The command that starts Python."""

    def machine(self, **changes: Any) -> Machine:
        """The machine, with some keys changed."""
        return Machine.model_validate(
            {"device": "cpu" if self.dry else "cuda", "wandb": {"mode": "disabled"}} | changes
        )

    def setup(self, precision: Precision = "float32", **changes: Any) -> Setup:
        """The paper's sizes on the GPU, or toys."""
        machine = self.machine(**changes)
        return Setup(set_up(machine), machine=machine, precision=precision, **(TOY if self.dry else {}))

    @property
    def repeats(self) -> int:
        """How often something is timed."""
        return 1 if self.dry else 7


@dataclass(frozen=True)
class Part:
    """A table of a check."""

    title: str
    about: str
    """What the table says, in a sentence or two."""
    rows: Callable[[Check], Iterator[Row]]
    """Computes the lines, in a process of its own."""
    seconds: float
    """The longest that it may take."""
    decides: bool = False
    """Whether the check fails unless all its lines are computed."""
