"""Reads files that other steps wrote; keys that no report needs are ignored."""

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pdarts.engine.files import read_json
from pdarts.errors import InputError


class Result(BaseModel):
    """Base of all models of a results file."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class Accepted(Result):
    """A note that a result was accepted although its code has changed since."""

    commit: str | None
    when: str
    reason: str


class Brought(Result):
    """A note that a result was brought in from another machine."""

    when: str
    source: Annotated[str, Field(alias="from")]
    reason: str | None = None
    """Reason to accept it although other code made it."""


class Provenance(Result):
    """Code, versions, device and time of a result; null stands for unknown."""

    version: str | None
    commit: str | None
    clean: bool | None
    python: str
    torch: str | None
    torchvision: str | None
    snakemake: str | None
    seed: int | None = None
    device: str
    device_type: str | None = None
    threads: int
    processes: int
    steps_per_gpu: int = 1
    """Steps that shared each GPU; earlier versions did not note it, since each had a GPU of its own."""
    started: str
    cpu_seconds: float | None = None
    """CPU time of the process in all its threads; earlier versions did not note it."""
    rehearsal: bool = False
    accepted: tuple[Accepted, ...] = ()
    brought: tuple[Brought, ...] = ()

    @property
    def on_gpu(self) -> bool:
        """Whether the device is known to be a GPU."""
        return self.device_type == "cuda"

    @property
    def devices(self) -> float:
        """Number of devices that the work took: one for each process, or its share of one."""
        return self.processes / self.steps_per_gpu

    def spent(self, wall_seconds: float) -> float:
        """Time of work that took so long by the clock, in seconds: on a CPU, that which its threads computed.

        Other work on the machine does not lengthen it.
        """
        return wall_seconds if self.on_gpu or self.cpu_seconds is None else self.cpu_seconds / self.threads

    @property
    def hardware(self) -> str:
        """The device, with the number of GPUs and of steps that shared them, or of CPU threads."""
        if self.on_gpu:
            count = f"{self.processes} × " * (self.processes > 1)
            return f"{count}{self.device}" + f", {self.steps_per_gpu} steps at once" * (self.steps_per_gpu > 1)
        return f"{self.device}, {self.threads} thread{'s' * (self.threads > 1)}"


Model = TypeVar("Model", bound=Result)


def read(model: type[Model], path: Path, what: str, made_by: str) -> Model:
    """Read a results file.

    Args:
        model: model of its content.
        path: the file.
        what: kind of the file in messages, such as `stage file`.
        made_by: the step that writes it.

    Raises:
        InputError: if the file is missing, cut off or another one.
    """
    return _check(model, read_json(path, what, made_by), str(path), what, made_by)


def read_lines(model: type[Model], path: Path, what: str, made_by: str) -> list[Model]:
    """Read a file with a JSON object per line; other arguments are those of `read`.

    Raises:
        InputError: if the file is missing or empty, or a line does not fit; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        values = [json.loads(line) for line in lines]
    except FileNotFoundError as error:
        raise InputError(f"{path}: this {what} does not exist; {made_by} makes it") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a {what} ({error}); make it anew with {made_by}") from error
    if not values:
        raise InputError(f"{path}: this {what} is empty; make it anew with {made_by}")
    return [_check(model, value, f"{path}, line {line}", what, made_by) for line, value in enumerate(values, 1)]


def _check(model: type[Model], value: Any, where: str, what: str, made_by: str) -> Model:
    try:
        return model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise InputError(f"{where}: not a {what}: {key}: {first['msg']}; make it anew with {made_by}") from error
