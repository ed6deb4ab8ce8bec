"""Everything that can be set: one frozen model per noun of `config.yaml`, strict about names, types and ranges.

The text under a field is its description in `rules/config.schema.yaml`, which is generated from this module.
What changes a result has no default here; what only says where the work runs (`Machine`) has.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from pdarts.checking import argument_values, parse, suggestion
from pdarts.errors import InputError
from pdarts.space.operations import OPERATIONS

if TYPE_CHECKING:
    Operation = str
else:
    Operation = Literal[OPERATIONS]
Source = Literal["digits", "fashion_mnist", "cifar10", "cifar100", "cifar10_stand_in", "cifar100_stand_in"]
IMAGE_SIZES: dict[Source, int] = {source: 16 if source == "digits" else 32 for source in get_args(Source)}
"""Height and width of each source's images in pixels."""
TRAIN_IMAGES: dict[Source, int] = {
    "digits": 1352,
    "fashion_mnist": 60_000,
    "cifar10": 50_000,
    "cifar100": 50_000,
    "cifar10_stand_in": 1352,
    "cifar100_stand_in": 1352,
}
"""How many training images each source has."""
AUXILIARY_SIZES = {"cifar": 32, "imagenet": 224}
"""The image size that the auxiliary head of each stem is made for."""
DIVISORS = {"cifar": 4, "imagenet": 32}
"""What each stem and the two reduction cells divide the image size by; an odd feature map cannot be halved."""
Value = TypeVar("Value")


def _each_once(values: tuple[Value, ...]) -> tuple[Value, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value!r} is listed twice in {list(values)}; list each once")
    return values


def _repeated(value: Any, info: ValidationInfo) -> Any:
    """The seeds that a name under `repeats` stands for."""
    if not isinstance(value, str):
        return value
    context = info.context if isinstance(info.context, dict) else {}
    numbers = context.get("repeats")
    if not isinstance(numbers, dict | None):
        return (0,)  # repeats are refused themselves
    if numbers is None or value not in numbers:
        raise ValueError(f"{value!r} is no name under repeats{suggestion(value, numbers or ())}; or list seeds: [0, 1]")
    number = _counted(numbers[value])
    return tuple(range(number)) if isinstance(number, int) and number > 0 else (0,)  # the number is refused itself


def _counted(value: Any) -> Any:
    """A number that Snakemake's command line gives as text: `--config 'repeats={retrainings: 10}'`."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Named = Annotated[dict[Name, Value], Field(json_schema_extra={"additionalProperties": False})]
Once = AfterValidator(_each_once)
Seed = Annotated[int, Field(ge=0)]
SkipLimit = Annotated[int, Field(ge=0, le=8)]
Seeds = Annotated[
    tuple[Seed, ...],
    Field(min_length=1, strict=False),  # behind a validator lists are no longer taken for JSON's
    Once,
    BeforeValidator(_repeated),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "uniqueItems": True},
                {"type": "string"},
            ]
        }
    ),
]
"""One or more seeds, each once; in `config.yaml` also a name under `repeats`, which stands for seeds from 0 on."""
PaperTable = Literal["table1", "table2", "depth_study", "skip_study"]
Precision = Literal["float32", "bfloat16"]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]

REHEARSED = "REHEARSAL"
"""The file that marks a results folder as a rehearsal's."""

LINEAR_TAIL = 5
"""Last epochs of the linear schedule, whose slope is a fifth of that before."""


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class AnyDataset(Settings):
    """What all datasets have in common."""

    source: str
    """Which images."""
    train_images: Positive | None
    """Use only the first so many training images; null uses all."""
    mean: tuple[float, float, float]
    """Mean of each colour channel of the training images, on a scale from 0 to 1."""
    std: tuple[Rate, Rate, Rate]
    """Standard deviation of each colour channel of the training images, on a scale from 0 to 1."""


class Dataset(AnyDataset):
    """Images of a known data set, which fit in memory."""

    source: Source
    """Which images: `digits` is part of the package, a stand-in is digits in CIFAR's files, others lie on disk."""

    @property
    def place(self) -> str:
        """What `machine.data_roots` calls the folder of its files."""
        return self.source


class ImageFolder(AnyDataset):
    """Image files in a folder for each class, `train/CLASS/…` and `val/CLASS/…`, decoded whenever they are needed."""

    source: Literal["image_folder"]
    """Any image files: ImageNet, or one's own."""
    folder: Name
    """Name under `machine.data_roots` of the folder that has `train` and `val`."""
    image_size: Annotated[int, Field(ge=8, multiple_of=4)]
    """Height and width in pixels that every image is cropped to; a multiple of 4, since cells halve it twice."""

    @property
    def place(self) -> str:
        """What `machine.data_roots` calls the folder of its files."""
        return self.folder


def image_size(dataset: Dataset | ImageFolder) -> int:
    """Height and width in pixels of what a network sees."""
    return dataset.image_size if isinstance(dataset, ImageFolder) else IMAGE_SIZES[dataset.source]


class Augmentation(Settings):
    """Random changes of training images in memory; each image of a batch draws its own."""

    crop_padding: Annotated[int, Field(ge=0)]
    """Pixels of black added on every side before a random crop of the old size; 0 leaves images where they are."""
    flip: bool
    """Mirror half of the images horizontally."""
    cutout: Annotated[int, Field(ge=0)]
    """Side in pixels of a square that is blanked at a random place; 0 for none."""


class StreamedAugmentation(Settings):
    """Random changes of training images of an image folder; each image draws its own."""

    resized_crop: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]]
    """Smallest and largest share of an image's area that is cut out and scaled to the image size, 3:4 to 4:3 wide."""
    flip: bool
    """Mirror half of the images horizontally."""
    color_jitter: tuple[NonNegative, NonNegative, NonNegative, Annotated[float, Field(ge=0, le=0.5)]]
    """Largest relative change of brightness, contrast, saturation, and shift of the hue as part of a turn, to 0.5."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        smallest, largest = self.resized_crop
        if smallest > largest:
            raise ValueError(f"resized_crop is {list(self.resized_crop)}; allowed: the smaller share first")
        return self


def _form_of_augmentation(value: Any) -> str:
    keys = set(value) if isinstance(value, dict) else set()
    streamed = isinstance(value, StreamedAugmentation) or keys & {"resized_crop", "color_jitter"}
    return "<StreamedAugmentation>" if streamed else "<Augmentation>"


AnyAugmentation = Annotated[
    Annotated[Augmentation, Tag("<Augmentation>")] | Annotated[StreamedAugmentation, Tag("<StreamedAugmentation>")],
    Discriminator(_form_of_augmentation),
]


def check_augmentation(dataset: AnyDataset, augmentation: Augmentation | StreamedAugmentation) -> None:
    """Refuse changes that images of this kind do not take.

    Raises:
        InputError: naming the keys to write instead.
    """
    streamed = isinstance(dataset, ImageFolder)
    if streamed != isinstance(augmentation, StreamedAugmentation):
        kind, keys = ("in a folder", "resized_crop, flip, color_jitter")
        if not streamed:
            kind, keys = ("in memory", "crop_padding, flip, cutout")
        raise InputError(
            f"augmentation has {', '.join(type(augmentation).model_fields)}, but the dataset's images are {kind}; "
            f"allowed: {keys}"
        )


class WeightsOptimizer(Settings):
    """SGD of network weights with a cosine or linear schedule, constant within an epoch."""

    learning_rate: Rate
    """Learning rate of the first epoch."""
    final_learning_rate: NonNegative
    """What a cosine schedule falls to after the last epoch."""
    momentum: Share
    """Momentum of SGD."""
    weight_decay: NonNegative
    """L2 penalty on all network weights."""
    clip: Rate | None
    """Largest norm of all weights' gradients together; null for no limit."""


class AlphasOptimizer(Settings):
    """Adam of the alphas, at a constant rate."""

    learning_rate: Rate
    """Learning rate of every epoch."""
    betas: tuple[Share, Share]
    """Decay of Adam's first and second moments."""
    weight_decay: NonNegative
    """L2 penalty on the alphas."""
    clip: Rate | None
    """Largest norm of all alphas' gradients together; null for no limit."""


def _check_shares(batch_size: int, processes: int) -> None:
    if batch_size % processes:
        raise ValueError(f"batch_size is {batch_size}; allowed: multiples of processes, which is {processes}")


class Stage(Settings):
    """One stage of a search, as the paper's table describes it."""

    cells: Positive
    """Depth of the supernet."""
    channels: Annotated[int, Field(ge=2, multiple_of=2)]
    """Initial channels of the supernet; even, since a factorized reduction halves them."""
    operations: Annotated[int, Field(ge=2)]
    """Candidate operations on every edge: all in the first stage, the strongest of the stage before in later ones."""
    skip_dropout: Share
    """Dropout rate behind skip connections at the start of the stage; it decays from there."""


class SearchProtocol(Settings):
    """What all stages of a search have in common."""

    candidates: Annotated[tuple[Operation, ...], Field(min_length=2, json_schema_extra={"uniqueItems": True}), Once]
    """Candidate operations of the first stage, on every edge, in this order."""
    approximation: Literal["first_order", "second_order"]
    """Gradient of the alphas: at the present weights, or through one virtual step of them (DARTS, section 2.3)."""
    partial_channels: Positive
    """1/n of an edge's channels go through operations; above 1, edges have weights of their own (PC-DARTS)."""
    alphas_batches: Literal["passes", "anew"]
    """Batches of the alphas' images: one pass after another in random order, or each drawn anew from all of them."""
    train_portion: Annotated[float, Field(gt=0, lt=1)]
    """Share of the training images, from the first on, that trains weights; the rest trains alphas."""
    epochs: Positive
    """Epochs of each stage."""
    frozen_epochs: Annotated[int, Field(ge=0)]
    """First epochs of each stage, in which alphas do not move."""
    scored_epochs: Annotated[int, Field(ge=0)]
    """Last epochs of each stage, in which accuracy on the alphas' images is logged; nothing is selected by it."""
    batch_size: Positive
    """Images a step, of weights and of alphas alike."""
    processes: Positive
    """Processes, each with a GPU of its own, that share every batch; BatchNorm normalises each one's share."""
    precision: Precision
    """Of feature maps and convolutions in training; weights, alphas, statistics, loss and optimizers are float32."""
    weights: WeightsOptimizer
    """How network weights are trained."""
    alphas: AlphasOptimizer
    """How alphas are trained."""
    augmentation: AnyAugmentation
    """Random changes of the images of both halves."""

    @model_validator(mode="after")
    def _shares_are_equal(self) -> Self:
        _check_shares(self.batch_size, self.processes)
        return self


class StageSettings(SearchProtocol, Stage):
    """All that one stage needs to know: `pdarts.search --settings`."""


class Search(SearchProtocol):
    """Turns a dataset into genotypes."""

    dataset: Name
    """Name under `datasets`."""
    seeds: Seeds
    """One independent search each; a name under `repeats` stands for that many seeds, from 0 on."""
    validation: Name | None = None
    """Name under `recipes`, with the search's `train_portion`: how the genotype of each seed is retrained to choose
    among several (`seed: chosen`), by accuracy on the other training images; null where none is chosen."""
    max_skips: SkipLimit | None
    """Skip connections that the normal cell may keep, 0 to 8; null for no limit."""
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    """The stages, in order."""

    def stage_settings(self, stage: int) -> StageSettings:
        """What stage number `stage` (from 1) depends on, and nothing else."""
        protocol = self.model_dump(include=set(SearchProtocol.model_fields))
        return StageSettings(**protocol, **self.stages[stage - 1].model_dump())

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        present = len(self.candidates)
        if self.frozen_epochs > self.epochs:
            raise ValueError(f"frozen_epochs is {self.frozen_epochs}, but a stage has {self.epochs} epochs")
        for number, stage in enumerate(self.stages, 1):
            if stage.channels % self.partial_channels:
                raise ValueError(
                    f"stages[{number - 1}].channels is {stage.channels}; allowed: multiples of partial_channels, "
                    f"which is {self.partial_channels}"
                )
            if number == 1 and stage.operations != present:
                raise ValueError(
                    f"stages[0].operations is {stage.operations}, but the first stage starts with all "
                    f"{present} candidates; write {present}, or list fewer candidates"
                )
            if stage.operations > present:
                raise ValueError(
                    f"stages[{number - 1}].operations is {stage.operations}, but only {present} are left after "
                    f"stage {number - 1}; allowed: 2 to {present}"
                )
            present = stage.operations
        return self


class Recipe(Settings):
    """How an evaluation network is built and trained."""

    train_portion: Annotated[float, Field(gt=0, le=1)]
    """Share of the training images, from the first on, that is trained on; the rest is scored, not the test images."""
    stem: Literal["cifar", "imagenet"]
    """First layers: `cifar` keeps the image size, `imagenet` divides it by 8."""
    cells: Positive
    """Depth of the network."""
    channels: Annotated[int, Field(ge=2, multiple_of=2)]
    """Initial channels; even, since a factorized reduction halves them."""
    auxiliary_weight: Rate | None
    """Loss weight of the auxiliary head; null builds none. It needs 32-pixel (cifar) or 224-pixel (imagenet) images."""
    drop_path: Share
    """Drop path rate that the last epoch approaches; it rises linearly from 0."""
    epochs: Positive
    """Epochs of training."""
    batch_size: Positive
    """Images a step."""
    processes: Positive
    """Processes, each with a GPU of its own, that share every batch; BatchNorm normalises each one's share."""
    precision: Precision
    """Of feature maps and convolutions in training; weights, alphas, statistics, loss and optimizers are float32."""
    optimizer: WeightsOptimizer
    """How weights are trained."""
    schedule: Literal["cosine", "linear"]
    """Course of the learning rate; `linear` is the paper's on ImageNet, with a slower slope in the last 5 epochs."""
    warmup_epochs: Annotated[int, Field(ge=0)]
    """First epochs, in which the learning rate rises to its scheduled value."""
    label_smoothing: Share
    """Share of the target that is spread over all classes, in the training loss only."""
    augmentation: AnyAugmentation
    """Random changes of the training images."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _check_shares(self.batch_size, self.processes)
        if self.warmup_epochs > self.epochs:
            raise ValueError(f"warmup_epochs is {self.warmup_epochs}, but there are {self.epochs} epochs")
        if self.schedule == "linear" and self.epochs <= LINEAR_TAIL:
            raise ValueError(
                f"epochs is {self.epochs}, but the linear schedule has a tail of {LINEAR_TAIL}; allowed: from "
                f"{LINEAR_TAIL + 1}, or schedule: cosine"
            )
        return self


class FromSearch(Settings):
    """The genotype that a search of this workflow derives: from its last stage and with its own skip limit, or else."""

    search: Name
    """Name under `searches`."""
    seed: Seed | Literal["each", "chosen"]
    """Seed of the search; `each` gives every seed of the training the cell of the search with the same seed; `chosen`
    is the seed whose genotype does best in the search's `validation`, the lowest on a tie, or the only seed."""
    max_skips: SkipLimit | None = None
    """Another skip limit than the search's own, 0 to 8; not together with `stage`."""
    stage: Positive | None = None
    """Another stage than the last, from 1; the search's own skip limit holds."""

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        if self.max_skips is not None and self.stage is not None:
            raise ValueError(
                f"max_skips is {self.max_skips} and stage is {self.stage}; name one of them: a stage's cell is derived "
                "with the search's own skip limit"
            )
        return self


class RandomCells(Settings):
    """A genotype drawn at random, every cell of the search space being equally likely."""

    random: Seed | Literal["each"]
    """Seed of the draw; `each` draws for every seed of the training with the same seed."""
    max_skips: SkipLimit | None
    """Skip connections that the normal cell may have, 0 to 8; null for no limit."""


def _form_of_genotype(value: Any) -> str:
    if isinstance(value, str):
        return "<str>"
    random = "random" in value if isinstance(value, dict) else isinstance(value, RandomCells)
    return "<RandomCells>" if random else "<FromSearch>"


class Training(Settings):
    """Gives a genotype and a dataset to a recipe."""

    genotype: Annotated[
        Annotated[str, Tag("<str>")]
        | Annotated[FromSearch, Tag("<FromSearch>")]
        | Annotated[RandomCells, Tag("<RandomCells>")],
        Discriminator(_form_of_genotype),
    ]
    """A published cell (`PDARTS`), the path of a genotype file (`cells/mine.json`), what a search derives
    (`{search: …, seed: chosen}`, with `max_skips` or `stage` for another skip limit or stage), or random cells
    (`{random: …, max_skips: …}`)."""
    dataset: Name
    """Name under `datasets`."""
    recipe: Name
    """Name under `recipes`."""
    changes: dict[str, Any] = {}
    """Keys of the recipe that this training sets otherwise; a key that holds keys is given whole."""
    seeds: Seeds
    """One independent training each; a name under `repeats` stands for that many seeds, from 0 on."""


class Checkpoint(Settings):
    """Weights that others trained, in the reference implementation's format, to be tested."""

    file: Annotated[str, Field(min_length=1)]
    """Path of the file: a bare state dict, or a dict that has one as `state_dict`."""
    origin: Annotated[str, Field(min_length=1)]
    """Where to get the file, for the message where it is missing."""
    genotype: str
    """Its cells, which the file does not say: a published cell (`PDARTS`), or the path of a genotype file."""
    dataset: Name
    """Name under `datasets` of what it is tested on."""


class Column(Settings):
    """A test result that stands beside the paper's."""

    heading: Annotated[str, Field(min_length=1)]
    """What stands over it, such as `CIFAR-10`."""
    measure: Literal["top1_error", "top5_error"]
    """Percent of the test images whose class is not the most probable one, or not among the five most probable."""


class Row(Settings):
    """One line of a table."""

    architecture: Annotated[str, Field(min_length=1)]
    """What the row is called."""
    training: Name | None = None
    """Name under `trainings`, for all columns; null where each column has a training of its own, or none has one."""
    trainings: Named[Name] = {}
    """Name under `trainings` for each column that is run here; it retrains one genotype with every seed."""
    searches: Named[Name] = {}
    """Name under `trainings`, by column, that retrains the genotypes of several searches once each (`seed: each`)."""
    checkpoints: Named[Name] = {}
    """Name under `checkpoints`, by column, of weights that others trained; a column has this or a training."""
    paper: Annotated[str, Field(min_length=1)] | None = None
    """Architecture in the paper's table whose figures stand beside; a row without trainings only quotes them."""
    independent: Named[str] = {}
    """What independent people measured alike, by column: a `subject` in `pdarts/reporting/paper.yaml`."""

    def trained(self, columns: Iterable[str]) -> dict[str, str]:
        """The training of each column that has one."""
        return dict.fromkeys(columns, self.training) if self.training else self.trainings


class Table(Settings):
    """Rows of trainings, tested and set side by side."""

    title: Annotated[str, Field(min_length=1)]
    """Caption of the table."""
    paper: PaperTable | None = None
    """The paper's table that it repeats."""
    columns: Named[Column] = {}
    """Test results side by side, by the paper's name for them; without any, a row shows the accuracy of a training."""
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]
    """The lines, in order."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for place, row in enumerate(self.rows):
            where = f"rows[{place}]"
            if not self.columns and (
                row.training is None or row.trainings or row.searches or row.checkpoints or row.paper
            ):
                raise ValueError(
                    f"{where} ({row.architecture}): a table without columns takes architecture and training alone; "
                    "name the training, or give the table columns"
                )
            if row.training is not None and row.trainings:
                raise ValueError(f"{where} ({row.architecture}) has both training and trainings; keep one of them")
            if both := set(row.checkpoints) & set(row.trained(self.columns)):
                raise ValueError(
                    f"{where} ({row.architecture}) has a training and a checkpoint for {min(both)}; give each a row"
                )
            if not (row.training or row.trainings or row.searches or row.checkpoints or row.paper):
                raise ValueError(f"{where} ({row.architecture}) shows nothing; give it trainings, or paper to quote")
            if row.paper is not None and self.paper is None:
                raise ValueError(f"{where}.paper is {row.paper!r}, but the table names no paper table; set paper")
            for key in ("trainings", "searches", "checkpoints", "independent"):
                for column in getattr(row, key):
                    _known(f"{where}.{key}: column", column, self.columns)
        return self


class Wandb(Settings):
    """Weights & Biases: a mirror of the files on disk, never needed by a later step."""

    mode: Literal["offline", "online", "disabled"] = "offline"
    """`offline` writes run files that `wandb sync` uploads later, `online` uploads at once, `disabled` does nothing."""
    project: str = "pdarts"
    """Project that runs appear under."""
    entity: str | None = None
    """User or team; null for the account's own."""
    directory: str = "results"
    """Folder in which `wandb/` with the run files is made."""


class Machine(Settings):
    """Where the work runs. Nothing here changes a result or makes a step run again."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU where there is one; `cuda` without a GPU is an error."""
    threads: Positive = 1
    """CPU threads a step. Sums of floats differ in the last bits between thread counts."""
    workers: Annotated[int, Field(ge=0)] = 2
    """Processes that decode the images of a folder, two sets of them in a search; 0 decodes in the step's own."""
    checkpointing: bool = False
    """Save memory: the backward pass computes each cell again. Longer, and the same to the last bit on a CPU."""
    compile: bool = False
    """Let torch.compile fuse each kind of cell, which takes minutes at first; last bits and dropout's draws change."""
    data_roots: Named[str] = {}
    """Folder of each source, and of each `folder` of a dataset; `data/NAME` where none is named."""
    local_copy: str | None = None
    """Folder on a disk of the node, such as `$TMPDIR`, that image folders are copied to; null reads where they lie."""
    resume_other_code: bool = False
    """Continue an interrupted step although the code has changed since; its provenance says so."""
    download: bool = True
    """Fetch missing data where the source allows it."""
    wandb: Wandb = Wandb()
    """Experiment tracking."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.checkpointing and self.compile:
            raise ValueError("checkpointing and compile are both true; allowed: one of them, set the other to false")
        return self

    def data_root(self, place: str) -> str:
        """Folder in which the files of a dataset with this `place` lie."""
        return self.data_roots.get(place, f"data/{place}")


class Request(Settings):
    """What one job asks a scheduler for; its CPUs follow from `machine.threads` and `machine.workers`."""

    gpus: Annotated[int, Field(ge=0)] = 0
    """GPUs of each process."""
    memory: Positive
    """Main memory in MB; every attempt after the first asks for twice as much."""
    minutes: Positive
    """Time limit. A search or training that reaches it continues in the next job; others then ask for twice as much."""


class Requests(Settings):
    """What jobs ask a scheduler for. Nothing here changes a result, and nothing limits jobs that run without one."""

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


class Repeats(Settings):
    """How often things are done."""

    retrainings: Annotated[Positive, BeforeValidator(_counted)]
    """Of each genotype."""
    searches: Annotated[Positive, BeforeValidator(_counted)]
    """Of each kind."""


class Config(Settings):
    """`config.yaml`: what exists, and where it runs. The target says what of it is built."""

    rehearsal: bool = False
    """Stamp all that is made as a rehearsal; only in a folder that `pdarts.rehearse` has set up, and there always."""
    repeats: Repeats | None = None
    """Where `seeds` is a name in here, it stands for as many seeds, from 0 on; null where none is."""
    datasets: Named[Annotated[Dataset | ImageFolder, Discriminator("source")]]
    """Where images come from."""
    searches: Named[Search]
    """From a dataset to genotypes."""
    recipes: Named[Recipe]
    """How evaluation networks are built and trained."""
    trainings: Named[Training]
    """A genotype, a dataset and a recipe."""
    checkpoints: Named[Checkpoint]
    """Weights that others trained."""
    tables: Named[Table]
    """What is set side by side."""
    requests: Requests
    """What jobs ask a scheduler for."""
    machine: Machine
    """Where the work runs."""

    def recipe_of(self, training: Training) -> Recipe:
        """The training's recipe with its own changes.

        Raises:
            InputError: if a change names no key of a recipe or gives it an impossible value.
        """
        merged = self.recipes[training.recipe].model_dump(mode="json") | training.changes
        return parse(Recipe, merged, "changes")

    @property
    def validations(self) -> dict[str, Training]:
        """The training that retrains the genotype of each seed of a search, to choose among them."""
        return {
            f"{name}-validation": Training(
                genotype=FromSearch(search=name, seed="each"),
                dataset=search.dataset,
                recipe=search.validation,
                seeds=search.seeds,
            )
            for name, search in self.searches.items()
            if search.validation is not None
        }

    def _check_validation(self, name: str, search: Search) -> None:
        if search.validation is not None:
            _known(f"searches.{name}.validation", search.validation, self.recipes)
            portion = self.recipes[search.validation].train_portion
            if portion != search.train_portion:
                raise ValueError(
                    f"searches.{name}.validation is {search.validation!r}, whose train_portion is {portion:g}, but "
                    f"that of the search is {search.train_portion:g}; name a recipe that trains on the same images"
                )
            if f"{name}-validation" in self.trainings:
                raise ValueError(
                    f"trainings.{name}-validation is what the validation of searches.{name} is called; rename it"
                )

    def _check_recipe(self, name: str, training: Training) -> None:
        try:
            recipe = self.recipe_of(training)
        except InputError as error:
            raise ValueError(f"trainings.{name}.{error}") from error
        self._check_augmentation(f"trainings.{name}", training.dataset, recipe.augmentation)
        size, needed = image_size(self.datasets[training.dataset]), AUXILIARY_SIZES[recipe.stem]
        if recipe.auxiliary_weight is not None and size != needed:
            raise ValueError(
                f"trainings.{name}: auxiliary_weight is {recipe.auxiliary_weight}, but the auxiliary head of the "
                f"{recipe.stem} stem is made for {needed}-pixel images, and those of {training.dataset} have {size}; "
                "set it to null under changes, or in a recipe of its own"
            )
        if size % DIVISORS[recipe.stem]:
            raise ValueError(
                f"trainings.{name}: the {recipe.stem} stem and reduction cells divide the image size by "
                f"{DIVISORS[recipe.stem]}, but images of {training.dataset} have {size} pixels; set its image_size "
                "to a multiple of that"
            )

    def _check_augmentation(self, key: str, dataset: str, augmentation: Augmentation | StreamedAugmentation) -> None:
        try:
            check_augmentation(self.datasets[dataset], augmentation)
        except InputError as error:
            raise ValueError(f"{key}, on dataset {dataset}: {error}") from error

    def _check_row(self, where: str, row: Row) -> None:
        named = {} if row.training is None else {"training": row.training}
        named |= {f"trainings.{column}": training for column, training in row.trainings.items()}
        named |= {f"searches.{column}": training for column, training in row.searches.items()}
        for key, training in named.items():
            _known(f"{where}.{key}", training, self.trainings)
            if (portion := self.recipe_of(self.trainings[training]).train_portion) < 1:
                raise ValueError(
                    f"{where}.{key} is {training!r}, whose train_portion is {portion:g}, so that it is not scored on "
                    "test images; name a training whose train_portion is 1"
                )
        for column, checkpoint in row.checkpoints.items():
            _known(f"{where}.checkpoints.{column}", checkpoint, self.checkpoints)
        for column, training in row.searches.items():
            if not _differs_by_seed(self.trainings[training].genotype):
                raise ValueError(
                    f"{where}.searches.{column} is {training!r}, whose seeds share a genotype; name a training with "
                    "genotype: {search: …, seed: each}, or {random: each, max_skips: …}"
                )

    def _check_search(self, key: str, genotype: FromSearch, seeds: tuple[int, ...]) -> None:
        _known(f"{key}.search", genotype.search, self.searches)
        search = self.searches[genotype.search]
        if genotype.seed == "chosen":
            if search.validation is None and len(search.seeds) > 1:
                raise ValueError(
                    f"{key}.seed is 'chosen', but searches.{genotype.search} has {len(search.seeds)} seeds and no "
                    "validation to choose by; name a recipe under its validation, or one of its seeds here"
                )
        else:
            for seed in seeds if genotype.seed == "each" else (genotype.seed,):
                _known(f"{key}: seed", seed, search.seeds)
        if genotype.stage is not None:
            _known(f"{key}.stage", genotype.stage, range(1, len(search.stages) + 1))

    @model_validator(mode="after")
    def _enough_images(self) -> Self:
        for name, dataset in self.datasets.items():
            if isinstance(dataset, ImageFolder):
                continue
            present = TRAIN_IMAGES[dataset.source]
            if dataset.train_images is not None and dataset.train_images > present:
                raise ValueError(
                    f"datasets.{name}.train_images is {dataset.train_images}, but {dataset.source} has {present} "
                    f"training images; allowed: 1 to {present}, or null for all"
                )
        return self

    @model_validator(mode="after")
    def _requested_steps_exist(self) -> Self:
        for name, requests in self.requests.datasets.items():
            _known("requests.datasets: a dataset", name, self.datasets)
            for step in requests:
                _known(f"requests.datasets.{name}: a step", step, Requests.model_fields.keys() - {"datasets"})
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        folders = [dataset.folder for dataset in self.datasets.values() if isinstance(dataset, ImageFolder)]
        for name in self.machine.data_roots:
            if name not in (places := list(dict.fromkeys([*IMAGE_SIZES, *folders, *self.datasets]))):
                raise ValueError(f"machine.data_roots.{name}: unknown key{suggestion(name, places)}")
        for name, search in self.searches.items():
            _known(f"searches.{name}.dataset", search.dataset, self.datasets)
            self._check_augmentation(f"searches.{name}", search.dataset, search.augmentation)
            self._check_validation(name, search)
        for name, training in {**self.validations, **self.trainings}.items():
            _known(f"trainings.{name}.dataset", training.dataset, self.datasets)
            _known(f"trainings.{name}.recipe", training.recipe, self.recipes)
            if isinstance(training.genotype, FromSearch):
                self._check_search(f"trainings.{name}.genotype", training.genotype, training.seeds)
            self._check_recipe(name, training)
        for name, checkpoint in self.checkpoints.items():
            _known(f"checkpoints.{name}.dataset", checkpoint.dataset, self.datasets)
        for name, table in self.tables.items():
            for place, row in enumerate(table.rows):
                self._check_row(f"tables.{name}.rows[{place}]", row)
        return self


def _differs_by_seed(genotype: str | FromSearch | RandomCells) -> bool:
    if isinstance(genotype, str):
        return False
    return (genotype.random if isinstance(genotype, RandomCells) else genotype.seed) == "each"


def _known(key: str, value: str | int, existing: Iterable[str | int]) -> None:
    if value not in existing:
        raise ValueError(f"{key} is {value!r}, which does not exist{suggestion(value, existing)}")


def parse_config(values: object) -> Config:
    """Check the whole config, and add the validations of its searches to its trainings.

    Raises:
        InputError: as `parse`.
    """
    config = parse(Config, values, "config")
    return config.model_copy(update={"trainings": config.trainings | config.validations})


def parse_dataset(text: str, where: str) -> Dataset | ImageFolder:
    """As `parse_argument`, for the settings of a dataset."""
    values = argument_values(text, where)
    return parse(ImageFolder, values, where) if is_image_folder(values) else parse(Dataset, values, where)


def is_image_folder(values: object) -> bool:
    """Whether plain values of a dataset are those of an `ImageFolder`."""
    return isinstance(values, dict) and values.get("source") == "image_folder"


def schema() -> dict[str, Any]:
    """JSON schema of `config.yaml`, with every description; `rules/config.schema.yaml` holds it for editors."""
    config = Config.model_json_schema()
    recipe = {key: {"$ref": f"#/$defs/Recipe/properties/{key}"} for key in Recipe.model_fields}
    config["$defs"]["Training"]["properties"]["changes"] |= {"properties": recipe, "additionalProperties": False}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **config}


if __name__ == "__main__":
    import yaml

    print("# Generated from pdarts/settings.py by `make schema`; do not edit.")
    print(yaml.safe_dump(schema(), sort_keys=False, width=120, allow_unicode=True), end="")
