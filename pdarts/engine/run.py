"""The course of a long step: epochs and steps that continue where a killed one stopped, to the same result."""

import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import numpy
import torch

from pdarts.engine import distributed
from pdarts.engine.checkpoint import Checkpoint
from pdarts.engine.journal import Journal
from pdarts.engine.metrics import Tally
from pdarts.engine.provenance import code_version
from pdarts.engine.seeds import derive_seed
from pdarts.engine.termination import PROCESS, RETRY
from pdarts.engine.tracking import new_id

Item = TypeVar("Item")


class Stateful(Protocol):
    """A network or an optimizer."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any], /) -> Any: ...


class Run:
    """Counts epochs and steps, and keeps all that must come back with them.

    On SIGTERM and SIGINT the step in hand is finished, a checkpoint written, and the process ends with exit code 75;
    after the last epoch there is nothing to continue, and the process writes its outputs and ends well. Several
    processes end behind the same step, whichever of them was told; process 0 reads and writes the checkpoint.

    Args:
        parts: networks and optimizers by name, in the state of a fresh start; put back into that of the checkpoint.
        tallies: sums over the epoch in hand.
        journal: where metrics go.
        checkpoint: where to continue from.
        seed: every epoch seeds torch from it, in each process otherwise.
    """

    def __init__(
        self,
        parts: Mapping[str, Stateful],
        tallies: Mapping[str, Tally],
        journal: Journal,
        checkpoint: Checkpoint,
        seed: int,
    ) -> None:
        self.parts, self.tallies, self.journal, self.checkpoint, self.seed = parts, tallies, journal, checkpoint, seed
        self.epoch = self.step = 0
        self._epoch_seconds = 0.0
        self.earlier_seconds = 0.0
        """Time that earlier processes spent on what is left of their work."""
        self.resumed: list[dict[str, Any]] = []
        """Where earlier processes stopped, and their code by commit and, since that may not be all, by hash."""
        self._started = self._epoch_started = time.monotonic()
        self._commit = code_version()["commit"]
        self._wandb_id = new_id()
        state = distributed.of_first(checkpoint.load() if distributed.rank() == 0 else None)
        if state is None:
            self.save()  # so that whatever comes, the same run of W&B is continued
        else:
            self._restore(state)
        journal.begin(self._wandb_id, *([], []) if state is None else (state["metrics"], state["tracked"]))
        PROCESS.at_once = False

    def epochs(self, count: int) -> Iterator[int]:
        """Numbers of the epochs that are left, from 0; tallies are empty and torch is seeded at the start of each."""
        for epoch in range(self.epoch, count):
            if self.step == 0:
                torch.manual_seed(derive_seed(self.seed, "epoch", epoch) + distributed.rank())
                for tally in self.tallies.values():
                    tally.clear()
            yield epoch
            self.epoch, self.step = epoch + 1, 0
            self._epoch_seconds, self._epoch_started = 0.0, time.monotonic()
            self.save()
            if self.epoch < count and _told():
                self._stop()

    def steps(self, batches: Callable[[int], Iterable[Item]]) -> Iterator[Item]:
        """What `batches` gives for the steps of the epoch that are left; it is called with the number of the first."""
        for batch in batches(self.step):
            yield batch
            self.step += 1
            if _told():
                self.save()
                self._stop()

    def interruptible(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items of a pass that changes nothing and is repeated whole when the step continues."""
        for item in items:
            yield item
            if _told():
                self.save()
                self._stop()

    @property
    def seconds(self) -> float:
        """Time spent in the epoch in hand, by all processes."""
        return self._epoch_seconds + time.monotonic() - self._epoch_started

    def save(self) -> None:
        """Write a checkpoint of the present state, with what each process has of its own."""
        own = {
            "tallies": {name: tally.state_dict() for name, tally in self.tallies.items()},
            "random": _random_states(),
        }
        processes = distributed.of_all(own)
        if distributed.rank() > 0:
            return
        self.checkpoint.save(
            {
                "epoch": self.epoch,
                "step": self.step,
                "epoch_seconds": self.seconds,
                "seconds": self.earlier_seconds + time.monotonic() - self._started,
                "commit": self._commit,
                "resumed": self.resumed,
                "metrics": self.journal.lines,
                "tracked": self.journal.tracked,
                "wandb_id": self._wandb_id,
                "parts": {name: part.state_dict() for name, part in self.parts.items()},
                "processes": processes,
            }
        )

    def _restore(self, state: dict[str, Any]) -> None:
        self.epoch, self.step, self._epoch_seconds = state["epoch"], state["step"], state["epoch_seconds"]
        self.earlier_seconds = state["seconds"]
        stopped = {"epoch": self.epoch, "step": self.step, "commit": state["commit"], "code": state["code"]}
        self.resumed = [*state["resumed"], stopped]
        self._wandb_id = state["wandb_id"]
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        own = state["processes"][distributed.rank()]
        for name, tally in self.tallies.items():
            tally.load_state_dict(own["tallies"][name])
        _restore_random_states(own["random"])
        self._say(f"continuing at epoch {self.epoch + 1}, step {self.step + 1}")

    def _stop(self) -> None:
        self._say(f"told to end: saved at epoch {self.epoch + 1}, step {self.step}; the same command continues there")
        self.journal.stop()
        distributed.wait()  # torchrun ends all when one has ended, and process 0 is writing
        sys.exit(RETRY)

    def _say(self, text: str) -> None:
        if distributed.rank() == 0:
            print(text, file=sys.stderr)


def _told() -> bool:
    """Whether any process was told to end."""
    return distributed.any_of(PROCESS.told)


def _random_states() -> dict[str, Any]:
    of_numpy: Any = numpy.random.get_state(legacy=False)  # noqa: NPY002 - the global generator, if a library uses it
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": {**of_numpy, "state": {**of_numpy["state"], "key": of_numpy["state"]["key"].tolist()}},
        "python": random.getstate(),
    }


def _restore_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
    of_numpy = states["numpy"]
    of_numpy["state"]["key"] = numpy.array(of_numpy["state"]["key"], dtype=numpy.uint32)
    numpy.random.set_state(of_numpy)  # noqa: NPY002
    random.setstate(states["python"])
