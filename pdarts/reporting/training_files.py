"""Models of the files that trainings and tests write, and of those that choose among searches by them."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from pdarts.reporting.result_files import Provenance, Result


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
