"""Resources that jobs ask a scheduler for."""

from typing import Annotated

from pydantic import Field

from pdarts.settings.base import Named, Settings


class Request(Settings):
    """Resources that one job asks a scheduler for; its CPUs follow from `machine.threads` and `machine.workers`."""

    gpus: Annotated[int, Field(ge=0, le=100)] = 0
    """GPUs of each process."""
    memory: Annotated[int, Field(ge=100, le=100_000_000, examples=[16000])]
    """Main memory in MB; every attempt after the first asks for twice as much."""
    minutes: Annotated[int, Field(ge=1, le=1_000_000)]
    """Time limit. A search or training that reaches it continues in the next job; others then ask for twice as much."""


class Requests(Settings):
    """Resources that jobs ask a scheduler for. They change no result, and without a scheduler they limit no job."""

    prepare: Request
    """Verification and index of a dataset."""
    search: Request
    """A stage of a search."""
    train: Request
    """The training of a network."""
    test: Request
    """A test of weights."""
    short: Request
    """Everything else."""
    datasets: Named[Named[Request]] = {}
    """Other requests for single datasets, by names of datasets and of steps."""

    def of(self, step: str, dataset: str | None) -> Request:
        """Look up the request of a step on a dataset; `dataset` is None if the step reads none."""
        own = self.datasets.get(dataset or "", {})
        request: Request = own.get(step) or getattr(self, step)
        return request
