"""Weights & Biases: each long step is a run.

It mirrors the files on disk, which are the truth: whatever goes wrong here is said, and the step goes on.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pdarts.settings import Wandb


class Tracker:
    """A run of W&B, or nothing where it is disabled or does not work.

    Args:
        settings: where runs go.
        step: job type, such as `search`.
        experiment: group, the name of the search or training.
        name: what the run is called within all runs of the project; its id derives from it and from `config`, so
            that a step that runs again under the same settings continues its run.
        config: settings to show.
        rehearsal: tag the run as a rehearsal.
    """

    def __init__(
        self,
        settings: Wandb,
        step: str,
        experiment: str,
        name: str,
        config: Mapping[str, Any],
        rehearsal: bool = False,
    ) -> None:
        self._run: Any = None
        if settings.mode == "disabled":
            return
        os.environ.setdefault("WANDB_SILENT", "true")
        if rehearsal:
            config = {**config, "rehearsal": True}
        try:
            import wandb

            Path(settings.directory).mkdir(parents=True, exist_ok=True)
            self._run = wandb.init(
                project=settings.project,
                entity=settings.entity,
                mode=settings.mode,
                dir=settings.directory,
                group=experiment,
                job_type=step,
                tags=["rehearsal"] if rehearsal else None,
                name=name,
                id=hashlib.sha256(f"{name}/{sorted(config.items())}".encode()).hexdigest()[:16],
                resume="allow" if settings.mode == "online" else None,
                config=dict(config),
                settings=wandb.Settings(console="off", disable_git=True, x_disable_stats=True, init_timeout=60),
            )
        except Exception as error:  # noqa: BLE001 - a mirror that breaks must not take the work down
            self._give_up(error)

    def log(self, metrics: Mapping[str, float | None], step: int) -> None:
        """Add metrics of an epoch; None is left out."""
        self._attempt(
            lambda run: run.log({key: value for key, value in metrics.items() if value is not None}, step=step)
        )

    def image(self, key: str, save: Callable[[Path], object]) -> None:
        """Add a picture, which `save` writes as PNG to the path that it is given; only where there is a run."""

        def send(run: Any) -> None:
            import wandb

            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"{key}.png"
                save(path)
                run.log({key: wandb.Image(str(path))})

        self._attempt(send)

    def summary(self, values: Mapping[str, Any]) -> None:
        """Set final values."""
        self._attempt(lambda run: run.summary.update(dict(values)))

    def finish(self) -> None:
        """End the run."""
        self._attempt(lambda run: run.finish())

    def _attempt(self, action: Any) -> None:
        if self._run is None:
            return
        try:
            action(self._run)
        except Exception as error:  # noqa: BLE001
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._run = None
        message = (
            f"W&B is off for the rest of this step ({type(error).__name__}: {error}); the files on disk are complete"
        )
        print(message, file=sys.stderr)
