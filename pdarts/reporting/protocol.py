"""Describes how a table's numbers were made, from the results behind them."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

from pdarts.reporting.grid import counted, days, duration
from pdarts.reporting.plain_table import DAY
from pdarts.reporting.result_files import StageResult
from pdarts.reporting.rows import Row
from pdarts.space.genotype import Genotype

Statement = tuple[str, str]
"""Label and text."""

MEASURES = {
    "Accuracy": "whose most probable class is right",
    "Test error": "whose most probable class is wrong",
    "Top-5 error": "whose class is not among the five most probable",
}
"""Which test images a measure is the percentage of."""


def protocol(rows: Sequence[Row], measures: Sequence[str] = ("Accuracy",)) -> list[Statement]:
    """Describe data, cells, searches and trainings, and how numbers are counted.

    Args:
        rows: the sets of runs behind a table.
        measures: keys of `MEASURES` for its main numbers.
    """
    tested = [row for row in rows if row.tests]
    if not tested:
        return [("Results", "no training has been run and tested yet")]
    searched = [row for row in tested if row.searches]
    return [
        *(("Data", text) for text in dict.fromkeys(map(_data, tested))),
        *_grouped("Cells", tested, _cells),
        *(("Cells", f"{_listed(names)}: one and the same cell") for names in _alike(tested)),
        *_grouped("Search", searched, _search),
        *_grouped("Validation", [row for row in searched if row.validations], _validation),
        *_grouped("Training", tested, _training),
        _selection(tested),
        *(_measure(tested, measure) for measure in measures),
        ("Sizes", "exact, without auxiliary head; multiply-adds of convolutions and linear layers, for one image"),
        ("Times", "wall clock, mean; a search takes as long as its stages together"),
        *_grouped("End to end", [row for row in searched if row.validations], _end_to_end),
    ]


def _grouped(label: str, rows: Sequence[Row], describe: Callable[[Row], str]) -> list[Statement]:
    """Make one statement for all rows with the same description, and name them if there is another statement."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(describe(row), []).append(row)
    if len(groups) == 1:
        return [(label, text) for text in groups]
    return [(label, f"{', '.join(_names(alike, rows))}: {text}") for text, alike in groups.items()]


def _names(named: Sequence[Row], rows: Sequence[Row]) -> Iterable[str]:
    """Name architectures, with columns if other columns of the same architecture are in `rows`."""
    architectures: dict[str, list[str]] = {}
    for architecture in dict.fromkeys(row.architecture for row in named):
        columns = dict.fromkeys(row.column for row in named if row.architecture == architecture)
        elsewhere = {row.column for row in rows if row.architecture == architecture} - set(columns)
        architectures.setdefault(", ".join(columns) if elsewhere else "", []).append(architecture)
    for column, names in architectures.items():
        yield ", ".join(names) + (f" ({'each ' * (len(names) > 1)}{column})" if column else "")


def _data(row: Row) -> str:
    dataset = row.evaluations[0].settings.dataset
    train, test = dataset.splits.train.images, dataset.splits.test.images
    return (
        f"{dataset.name}, {train:,} training and {test:,} test images of {len(dataset.classes)} classes, "
        f"{dataset.image_size} × {dataset.image_size} pixels"
    )


def _cells(row: Row) -> str:
    searches, trainings, genotypes = len(row.searches), len(row.evaluations), len(row.genotypes)
    times = "once" if trainings == 1 else f"{trainings} times"
    if row.drawn:
        seeds = f"{counted(len(row.drawn), 'random cell')}, drawn with seed{'s' * (len(row.drawn) > 1)}"
        origin = f"{seeds} {_listed(row.drawn)}; {counted(trainings, 'training')}"
    elif row.released:
        origin = f"the genotype named with {row.released.file}"
    elif not searches:
        origin = f"{counted(genotypes, 'genotype')} given, not searched here; {counted(trainings, 'training')}"
    elif row.choice and row.choice.candidates:
        scores = _listed(f"{one.top1:.2f} % with seed {one.seed}" for one in row.choice.candidates)
        origin = (
            f"{counted(searches, 'search')}, of which that with seed {row.choice.seed} was chosen, its genotype "
            f"retrained {times}; accuracy on held-out training images: {scores}"
        )
    elif searches == 1:
        named = "the only one" if row.choice else "named beforehand"
        origin = f"1 search (seed {row.search_seeds[0]}, {named}), its genotype retrained {times}"
    elif searches == trainings:
        origin = f"{counted(searches, 'search')}, the genotype of each retrained once"
    else:
        found = f"{counted(genotypes, 'genotype')} of theirs retrained"
        origin = f"{counted(searches, 'search')}, {found}, {counted(trainings, 'training')} in all"
    cells = [genotype.cell("normal") for genotype in row.genotypes]
    skips = [sum(edge.operation == "skip_connect" for edge in cell.edges) for cell in cells]
    return f"{origin}; skip connections in the normal cell: {_listed(skips)}"


def _alike(rows: Sequence[Row]) -> Iterable[tuple[str, ...]]:
    """Find the architectures that have the same cell in the same column."""
    found: dict[tuple[str, Genotype], dict[str, None]] = {}
    for row in rows:
        if len(row.genotypes) == 1:
            found.setdefault((row.column, row.genotypes[0]), {})[row.architecture] = None
    return dict.fromkeys(tuple(names) for names in found.values() if len(names) > 1)


def _search(row: Row) -> str:
    return "; or ".join(dict.fromkeys(_stages(search) for search in row.searches))


def _stages(search: Sequence[StageResult]) -> str:
    settings = [stage.settings for stage in search]
    cells = _listed(stage.cells for stage in settings)
    operations = _listed(stage.operations for stage in settings)
    epochs = _listed(dict.fromkeys(stage.epochs for stage in settings))
    frozen = _listed(dict.fromkeys(stage.frozen_epochs for stage in settings))
    images = _listed(dict.fromkeys(stage.images for stage in settings))
    batch = _listed(dict.fromkeys(stage.batch_size for stage in settings))
    dropout = _listed(f"{stage.skip_dropout:g}" for stage in settings)
    method = _listed(dict.fromkeys(stage.of_method for stage in settings))
    return (
        f"{counted(len(search), 'stage')} of {cells} cells with {operations} operations an edge, {epochs} epochs each, "
        f"alphas frozen in the first {frozen}, batch {batch}; skip dropout {dropout} at first; {method}; "
        f"{images}; the genotype follows from the last stage's architecture weights"
    )


def _validation(row: Row) -> str:
    settings, images = row.validations[0].settings, row.validations[0].images
    recipe, trained = settings.recipe, settings.dataset.splits.train.images - images
    assert recipe is not None
    return (
        f"the genotype of each search retrained once, {recipe.cells} cells, {recipe.channels} channels, "
        f"{recipe.epochs} epochs on the first {trained:,} training images, those that trained weights in the search, "
        f"scored on the other {images:,}; the best accuracy decides, on a tie the lowest seed; no test image is read"
    )


def _end_to_end(row: Row) -> str:
    spent = row.spent
    search, validation, training = map(fmean, (spent.searches, spent.validations, spent.trainings))
    return (
        f"{len(spent.searches)} × ({duration(search)} for a search + {duration(validation)} for its validation) + "
        f"{duration(training)} for a retraining = {duration(spent.end_to_end)} of a device, "
        f"{days(spent.end_to_end / DAY)} device-days"
    )


def _training(row: Row) -> str:
    settings = row.evaluations[0].settings
    recipe, images = settings.recipe, settings.dataset.splits.train.images
    if recipe is None:
        return "by others, who offer the weights; tested here, not retrained here"
    return (
        f"{recipe.cells} cells, {recipe.channels} channels, {recipe.epochs} epochs on all {images:,} training images, "
        f"batch {recipe.batch_size}, learning rate {recipe.optimizer.learning_rate:g}, weight decay "
        f"{recipe.optimizer.weight_decay:g}, drop path {recipe.drop_path:g}"
    )


def _selection(rows: Sequence[Row]) -> Statement:
    runs = {path: run for row in rows for path, run in row.trainings.items()}
    epochs = [epoch for run in runs.values() for epoch in run]
    scored = sum(any(key.startswith("test") for key in epoch.model_extra or {}) for epoch in epochs)
    trainings = counted(len(runs), "training")
    if scored:
        return "Selection", f"beware, {scored} of {len(epochs)} epochs of {trainings} were scored on test images"
    return (
        "Selection",
        "none on test images; the weights after the last epoch are tested, and none of the "
        f"{len(epochs):,} epochs of {trainings} was scored on test images",
    )


def _measure(rows: Sequence[Row], measure: str) -> Statement:
    images = _listed(dict.fromkeys(f"{row.evaluations[0].images:,}" for row in rows))
    text = f"percent of {images} test images {MEASURES[measure]}"
    if any(len(row.tests) > 1 for row in rows):
        text += "; mean over n trainings ± sample standard deviation (n - 1)"
    if any(len(row.tests) == 1 for row in rows):
        text += "; a single training has no deviation"
    return measure, text


def _listed(values: Iterable[object]) -> str:
    texts = [str(value) for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
