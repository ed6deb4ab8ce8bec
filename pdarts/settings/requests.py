"""Resources that jobs ask a scheduler for."""

from typing import Annotated

from pydantic import Field

from pdarts.settings.base import Named, Positive, Settings


class Request(Settings):
    """Resources that one job asks a scheduler for; its CPUs follow from `machine.threads` and `machine.workers`."""

    gpus: Annotated[int, Field(ge=0)] = 0
    """GPUs of each process."""
    memory: Positive
    """Main memory in MB; every attempt after the first asks for twice as much."""
    minutes: Positive
    """Time limit. A search or training that reaches it continues in the next job; others then ask for twice as much."""


class Requests(Settings):
    """Resources that jobs ask a scheduler for; they change no result, and limit no job without a scheduler."""

    prepare: Request
    """Verification and index of a dataset."""
    search: Request
    """A stage."""
    train: Request
    """A training."""
    test: Request
    """A test of weights."""
    short: Request
    """Everything else."""
    datasets: Named[Named[Request]] = {}
    """Other figures for some datasets, by the step's name in here."""

    def of(self, step: str, dataset: str | None) -> Request:
        """The request of a step on a dataset; None where it reads none."""
        own = self.datasets.get(dataset or "", {})
        request: Request = own.get(step) or getattr(self, step)
        return request
