"""Reads files that other steps wrote; keys that no report needs are ignored."""

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pdarts.engine.files import read_json
from pdarts.errors import InputError
from pdarts.settings.methods import UNNAMED, described
from pdarts.space.topology import EDGES


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


class EdgeWeights(Result):
    """Architecture weights of the operations that an edge still considers."""

    edge: tuple[int, int]
    weights: dict[str, float]


Edges = Annotated[tuple[EdgeWeights, ...], Field(min_length=len(EDGES), max_length=len(EDGES))]


class Cells(Result):
    """Edges of both cells, in the order of `EDGES`."""

    normal: Edges
    reduction: Edges


class StageSettings(Result):
    """Settings of a stage that a report names; other keys, such as its method's, are kept."""

    model_config = ConfigDict(extra="allow")

    method: str = UNNAMED
    stem: str
    cells: int
    channels: int
    operations: int
    skip_dropout: float
    epochs: int
    frozen_epochs: int
    batch_size: int
    train_portion: float
    alphas_portion: float | None = None
    division: str = "in_order"

    @property
    def images(self) -> str:
        """Says which training images train network weights and which train alphas."""
        weights = f"{100 * self.train_portion:g} %"
        alphas = "the others" if self.alphas_portion is None else f"another {100 * self.alphas_portion:g} %"
        which = (
            f"the first {weights} of the training images"
            if self.division == "in_order"
            else f"{weights} of every class"
        )
        return f"{which} train network weights, {alphas} alphas"

    @property
    def of_method(self) -> str:
        """Says how the method differs from others."""
        return described(self.method, self.model_extra or {})


class StageResult(Result):
    """A stage file."""

    stage: int
    settings: StageSettings
    cells: Cells
    epochs_run: int | None = None
    """None in older files."""
    wall_seconds: Annotated[float, Field(alias="seconds")]
    provenance: Provenance

    @property
    def seconds(self) -> float:
        """Time that the stage took, as `Provenance.spent` has it."""
        return self.provenance.spent(self.wall_seconds)

    @property
    def epochs(self) -> int:
        """Number of epochs that ran."""
        return self.settings.epochs if self.epochs_run is None else self.epochs_run


class StageEpoch(Result):
    """A line of a stage's metrics; accuracies are in percent, and architecture weights have a row per edge."""

    epoch: int
    train_loss: float
    train_accuracy: float
    valid_loss: float | None
    valid_accuracy: float | None
    learning_rate: float
    skip_dropout: float
    architecture_weights: dict[str, tuple[tuple[float, ...], ...]]
    edge_weights: dict[str, tuple[float, ...]] | None = None
    """None of methods without them."""


class TraceEpoch(Result):
    """A line of a search's trace: the cell that its weights stood for; fields are None where they yield no cell."""

    stage: int
    epoch: int
    """Number within the stage."""
    genotype: dict[str, Any] | None
    skips: int | None
    """Skip connections of the normal cell."""
    unlimited_skips: int | None
    """The same without skip limit."""
    parameters: int | None
    """Of all cells in a network of the last stage's depth and width."""
    entropy: dict[str, float]
    """Mean over the weights of a kind of cell, from 0 (decided) to 1 (open)."""


class TrainingEpoch(Result):
    """A line of a training's metrics; accuracy is in percent. Other keys are kept, since reports check their names."""

    model_config = ConfigDict(extra="allow")

    epoch: int
    train_loss: float
    train_accuracy: float
    learning_rate: float
    drop_path: float


class Split(Result):
    """One split of a dataset."""

    images: int


class Splits(Result):
    """Both splits of a dataset."""

    train: Split
    test: Split


class EvaluatedDataset(Result):
    """The dataset that a network was trained and tested on."""

    source: str
    folder: str | None = None
    classes: tuple[str, ...]
    image_size: int
    splits: Splits

    @property
    def origin(self) -> str:
        """Name of the folder for an image folder, else that of the source."""
        return self.folder or self.source


class EvaluatedOptimizer(Result):
    """The parts of an optimizer's settings that a report names."""

    learning_rate: float
    weight_decay: float


class EvaluatedRecipe(Result):
    """The parts of a recipe that a report names."""

    train_portion: float
    cells: int
    channels: int
    epochs: int
    batch_size: int
    drop_path: float
    schedule: str | None = None
    optimizer: EvaluatedOptimizer


class EvaluatedSettings(Result):
    """Dataset and recipe of a training; the recipe of weights that others trained is unknown."""

    dataset: EvaluatedDataset
    recipe: EvaluatedRecipe | None


class Candidate(Result):
    """A search that could be chosen, with its accuracy in percent and the number of held-out images."""

    seed: int
    top1: float
    images: int


class Choice(Result):
    """The seed of the chosen search, and all candidates; a single search is chosen without candidates."""

    seed: int
    candidates: tuple[Candidate, ...]


class Evaluation(Result):
    """A test result: accuracies are in percent, `multiply_adds` are for one image, `provenance` is that of the test.

    The training of weights that others trained is unknown.
    """

    top1: float
    top5: float
    images: int
    parameters: int
    multiply_adds: int
    wall_seconds: Annotated[float, Field(alias="seconds")]
    epochs_run: int | None = None
    """None in older files, too."""
    training_wall_seconds: Annotated[float | None, Field(alias="training_seconds")]
    settings: EvaluatedSettings
    genotype: dict[str, Any]
    provenance: Provenance
    training_provenance: Provenance | None

    @property
    def epochs(self) -> int | None:
        """Number of epochs of the training that ran; None of what others trained."""
        planned = self.settings.recipe.epochs if self.settings.recipe else None
        return planned if self.epochs_run is None else self.epochs_run

    @property
    def seconds(self) -> float:
        """Time that the test took, as `Provenance.spent` has it."""
        return self.provenance.spent(self.wall_seconds)

    @property
    def training_seconds(self) -> float | None:
        """Time that the training took, likewise; None for weights that others trained."""
        if self.training_wall_seconds is None or self.training_provenance is None:
            return self.training_wall_seconds
        return self.training_provenance.spent(self.training_wall_seconds)

    @property
    def training_time(self) -> float:
        """Time of the training times its devices, in seconds; 0 for weights that others trained."""
        if self.training_seconds is None or self.training_provenance is None:
            return 0.0
        return self.training_seconds * self.training_provenance.devices

    @property
    def time(self) -> float:
        """Time of the training and of the test times their devices, in seconds."""
        return self.training_time + self.seconds * self.provenance.devices


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
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
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
