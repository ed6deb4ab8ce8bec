"""The course of a long step: epochs and iterations, continued where a killed process stopped, to the same result."""

import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any, NoReturn, Protocol, TypeVar

import numpy
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from pdarts import memory
from pdarts.engine import distributed
from pdarts.engine.device import device_name
from pdarts.engine.divergence import LossWatch, all_finite
from pdarts.engine.journal import Journal
from pdarts.engine.metrics import Tally
from pdarts.engine.provenance import code_version
from pdarts.engine.resume_file import ResumeFile
from pdarts.engine.seeds import derive_seed
from pdarts.engine.termination import PROCESS, RETRY, ToldToEnd, end_children
from pdarts.engine.tracking import new_id
from pdarts.errors import InputError, counted

Item = TypeVar("Item")


class Stateful(Protocol):
    """A network or an optimizer."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any], /) -> Any: ...


class Run:
    """Counts epochs and iterations, and saves and restores all that belongs to them.

    When told to end by a signal, it finishes the current iteration, writes the resume file, and ends with exit code 75;
    while it waits for images, it does so at once. After the last epoch nothing is left to continue, and the
    process writes its outputs and ends well. If any of several processes is told to end, all end after the same
    iteration; process 0 reads and writes the resume file.

    If a loss or the network is no longer finite, it ends with an error before it saves that, and notes the
    error, so that another attempt at the same work ends at once.

    Args:
        seed: every epoch seeds torch from it, in each process differently.
        device: device of networks and images.
        journal: takes the metrics.
        resume_file: the file to continue from.
    """

    def __init__(self, seed: int, device: torch.device, journal: Journal, resume_file: ResumeFile) -> None:
        self.seed, self.device, self.journal, self.resume_file = seed, device, journal, resume_file
        self.epoch = self.iteration = 0
        self.kernels: str | None = None
        """Name of what computes the cells."""
        self.earlier_seconds = 0.0
        """Time that earlier processes spent on the part of their work that is kept."""
        self.earlier_cpu_seconds = 0.0
        """CPU time of these processes."""
        self.resumed: list[dict[str, Any]] = []
        """Epoch and iteration at which earlier processes stopped, with commit, code, device and kernels."""
        self._parts: Mapping[str, Stateful] = {}
        self._tallies: Mapping[str, Tally] = {}
        self._earlier_epoch_seconds = 0.0
        self._started = self._epoch_started = time.monotonic()
        self._commit = code_version()["commit"]
        self._wandb_id = new_id()

    def begin(self, parts: Mapping[str, Stateful], tallies: Mapping[str, Tally]) -> None:
        """Begin with the first epoch, or continue from the resume file.

        Args:
            parts: networks and optimizers by name, as they are at a fresh start.
            tallies: sums over the current epoch.
        """
        self._parts, self._tallies = parts, tallies
        self._watch = LossWatch(list(tallies.values()), self.device)
        self._started = self._epoch_started = time.monotonic()
        saved = distributed.from_first(self.resume_file.load() if distributed.rank() == 0 else None)
        if saved is None:
            self.save()  # so that a process that continues this one continues its run of W&B too
            self.journal.begin(self._wandb_id, [], [])
        else:
            self._restore(saved)
            self.journal.begin(self._wandb_id, saved["metrics"], saved["tracked"])
        PROCESS.at_once = False

    def epochs(self, count: int) -> Iterator[int]:
        """Yield the numbers of the epochs that are left, from 0, each with empty tallies and torch seeded."""
        if self.resumed:
            here = f"continuing at epoch {self.epoch + 1}, iteration {self.iteration + 1}"
            self._say(here if self.epoch < count else "all epochs had run; writing the result")
        for epoch in range(self.epoch, count):
            if self.iteration == 0:
                torch.manual_seed(derive_seed(self.seed, "epoch", epoch) + distributed.rank())
                for tally in self._tallies.values():
                    tally.clear()
            yield epoch
            self.epoch, self.iteration = epoch + 1, 0
            self._earlier_epoch_seconds, self._epoch_started = 0.0, time.monotonic()
            told = self.epoch < count and _told()
            self.save(told)
            if told:
                self._stop()

    def iterations(self, batches: Callable[[int], Iterable[Item]]) -> Iterator[Item]:
        """Yield the batches that are left in the current epoch; `batches` is called with the number of the first."""
        for batch in self.awaited(batches(self.iteration)):
            yield batch
            self.iteration += 1
            if distributed.rank() == 0 and not self._watch.finite(self.iteration):
                self._diverged()
            if _told():
                self._save_and_stop()
        self._check_finite()

    def interruptible(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items of a pass that changes nothing; the process that continues repeats all of it."""
        for item in self.awaited(items):
            yield item
            if _told():
                self._save_and_stop()

    def awaited(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items for which this process may have to wait, at a moment when nothing of the iteration is done.

        A single process that is told to end meanwhile, or whose images cannot be read, saves at once; one of several
        must not leave the others alone with an iteration.
        """
        iterator, alone = iter(items), distributed.processes() == 1
        while True:
            try:
                with PROCESS.waiting() if alone else nullcontext():
                    item = next(iterator, None)
            except ToldToEnd:
                self._save_and_stop()
            except InputError:
                if alone:
                    self._save_finite()
                raise
            if item is None:
                return
            yield item

    @property
    def epochs_run(self) -> int:
        """Number of epochs that have ended, in this process and earlier ones; known to process 0."""
        return len(self.journal.lines)

    @property
    def epoch_seconds(self) -> float:
        """Time spent in the current epoch, by this process and earlier ones."""
        return self._earlier_epoch_seconds + time.monotonic() - self._epoch_started

    def save(self, told: bool = False) -> None:
        """Write the resume file, with what each process has of its own; `told` says that the work ends here for now."""
        own = {
            "tallies": {name: tally.state_dict() for name, tally in self._tallies.items()},
            "random": _random_states(),
        }
        processes = distributed.from_all(own)
        if distributed.rank() > 0:
            return
        self.resume_file.save(
            {
                "epoch": self.epoch,
                "step": self.iteration,
                "epoch_seconds": self.epoch_seconds,
                "seconds": self.earlier_seconds + time.monotonic() - self._started,
                "cpu_seconds": self.earlier_cpu_seconds + time.process_time(),
                "told": told,
                "kills": memory.kills(),
                "commit": self._commit,
                "device": device_name(self.device),
                "kernels": self.kernels,
                "resumed": self.resumed,
                "metrics": self.journal.lines,
                "tracked": self.journal.tracked,
                "wandb_id": self._wandb_id,
                "parts": {name: part.state_dict() for name, part in self._parts.items()},
                "processes": processes,
            }
        )

    def _restore(self, saved: dict[str, Any]) -> None:
        self.epoch, self.iteration, self._earlier_epoch_seconds = saved["epoch"], saved["step"], saved["epoch_seconds"]
        self.earlier_seconds, self.earlier_cpu_seconds = saved["seconds"], saved.get("cpu_seconds", 0.0)
        stopped: dict[str, Any] = {"epoch": self.epoch, "step": self.iteration}
        stopped |= {key: saved.get(key) for key in ("commit", "code", "device", "kernels")}
        self.resumed = [*saved["resumed"], stopped]
        self._wandb_id = saved["wandb_id"]
        for name, part in self._parts.items():
            part.load_state_dict(saved["parts"][name])
            if isinstance(part, Optimizer):
                _lay_out(part)
        own = saved["processes"][distributed.rank()]
        for name, tally in self._tallies.items():
            tally.load_state_dict(own["tallies"][name])
        _restore_random_states(own["random"])
        if not saved.get("told", True):
            self._say(_unannounced(saved["kills"]))

    def _check_finite(self) -> None:
        """End if a loss, or a weight or statistic of the network, is not finite; waits for the device."""
        if distributed.rank() > 0:
            return  # process 0 ends all
        networks = [part for part in self._parts.values() if isinstance(part, nn.Module)]
        finite = all(all_finite(network.state_dict().values()) for network in networks)
        if not (finite and self._watch.finite_at_last()):
            self._diverged()

    def _diverged(self) -> NoReturn:
        rate = next(float(part.param_groups[0]["lr"]) for part in self._parts.values() if isinstance(part, Optimizer))
        kept = f"; {self.resume_file.path} keeps the state from before" if self.epoch else ""
        message = (
            f"the loss or the weights are not finite in epoch {self.epoch + 1}, by iteration {self.iteration}, "
            f"at learning rate {rate:g}: training has diverged{kept}. Try a lower learning_rate, a clip, more "
            "warmup_epochs, or precision: float32 if it is another"
        )
        self.resume_file.note_failure(message)
        self.journal.fail()
        raise InputError(message)

    def _save_and_stop(self) -> NoReturn:
        self._save_finite(told=True)
        self._stop()

    def _save_finite(self, told: bool = False) -> None:
        if self.iteration:
            self._check_finite()
        self.save(told)

    def _stop(self) -> NoReturn:
        reached = f"epoch {self.epoch + 1}, iteration {self.iteration}"
        self._say(f"told to end: saved at {reached}; the same command continues there")
        self.journal.stop()
        distributed.wait()  # torchrun ends all when one has ended, and process 0 is writing
        end_children()
        sys.exit(RETRY)

    def _say(self, text: str) -> None:
        if distributed.rank() == 0:
            print(text, file=sys.stderr)


def _told() -> bool:
    """Whether any process was told to end."""
    return distributed.any_process(PROCESS.told)


def _unannounced(kills_before: tuple[str, int] | None) -> str:
    """Say that the attempt before failed or was killed, and whether the system has killed for lack of memory since.

    Args:
        kills_before: what `memory.kills` counted when it saved last.
    """
    said, kills = "", memory.kills()
    if kills is not None and kills_before is not None and kills[0] == kills_before[0] and kills > kills_before:
        more = counted(kills[1] - kills_before[1], "process")
        said = f"; since then this system has killed {more} for lack of memory"
    return (
        "an earlier attempt neither finished nor was told to end: it failed, or the system or the scheduler killed it"
        f"{said}. If memory was short: {memory.ADVICE}"
    )


def _lay_out(optimizer: Optimizer) -> None:
    """Lay out what an optimizer holds of each parameter, such as its momentum, in memory like the parameter itself.

    It is loaded in the layout of the device that saved it, and fused optimizers take one layout for granted.
    """
    for parameter, held in optimizer.state.items():
        for key, value in held.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                held[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _random_states() -> dict[str, Any]:
    of_numpy: Any = numpy.random.get_state(legacy=False)  # noqa: NPY002 - the global generator, if a library uses it
    return {
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state()] if torch.cuda.is_available() else [],  # of this process's own
        "numpy": {**of_numpy, "state": {**of_numpy["state"], "key": of_numpy["state"]["key"].tolist()}},
        "python": random.getstate(),
    }


def _restore_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"][0])
    of_numpy = states["numpy"]
    of_numpy["state"]["key"] = numpy.array(of_numpy["state"]["key"], dtype=numpy.uint32)
    numpy.random.set_state(of_numpy)  # noqa: NPY002
    random.setstate(states["python"])
