"""The call of a step, as results and W&B record it, with the stamp of a rehearsal."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pdarts.engine.provenance import code_of, now, provenance
from pdarts.engine.tracking import Tracker
from pdarts.settings.machine import Wandb


class Invocation:
    """A call of a step, which begins when this is made.

    Args:
        step: name of the step, such as `search`.
        arguments: the parsed options.
        method: method of search whose code is part of the step's; None if there is none.
    """

    def __init__(self, step: str, arguments: Namespace, method: str | None = None) -> None:
        self.step, self.arguments, self.started = step, arguments, now()
        self.seed: int | None = vars(arguments).get("seed")
        self.code = code_of(step, method, arguments.extensions)
        """Hash of the code that the step runs, `code`, its `commit`, and whether it is as committed, `clean`."""

    def name(self, part: str = "") -> str:
        """The experiment with its seed, and the part of it that the step is, such as `stage 1`."""
        seed = "" if self.seed is None else f"seed {self.seed}"
        return " ".join(filter(None, [self.arguments.experiment, seed, part]))

    def tracker(self, settings: Wandb, part: str, config: Mapping[str, Any]) -> Tracker:
        """The run of W&B, not yet begun; `part` as in `name`."""
        config = {"seed": self.seed, **config}
        experiment, rehearsal = self.arguments.experiment, self.arguments.rehearsal
        return Tracker(settings, self.step, experiment, self.name(part), config, rehearsal)

    def provenance(self, device: torch.device, inputs: Mapping[str, Path | None]) -> dict[str, Any]:
        """The `provenance` of a result that was computed on `device` from JSON files, by option or None."""
        return provenance(
            device,
            self.started,
            step=self.step,
            code=self.code,
            seed=self.seed,
            inputs=inputs,
            rehearsal=self.arguments.rehearsal,
        )
