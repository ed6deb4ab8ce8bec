"""Describes how a table's numbers were made, from the results behind them."""

from collections.abc import Iterable, Sequence
from statistics import fmean

from pdarts.errors import counted, plural
from pdarts.reporting.grid import days, duration
from pdarts.reporting.measures import ACCURACY, Measure
from pdarts.reporting.plain_table import DAY
from pdarts.reporting.rows import RandomSearch, Row
from pdarts.reporting.search_files import StageResult
from pdarts.reporting.statements import Statement, amounts, grouped, headings, listed
from pdarts.reporting.training_files import EvaluatedRecipe, Evaluation
from pdarts.space.genotype import Genotype


def protocol(rows: Sequence[Row], measures: Sequence[Measure] = (ACCURACY,)) -> list[Statement]:
    """Describe data, cells, searches and trainings, and how numbers are counted.

    Args:
        rows: the sets of runs behind a table.
        measures: what its main numbers are.
    """
    tested = [row for row in rows if row.tests]
    if not tested:
        return [("Results", "no training has been run and tested yet")]
    searched = [row for row in tested if row.search_count]
    choosing = [row for row in searched if row.validations or row.random_searches]
    return [
        *_of_datasets(tested),
        *grouped("Cells", tested, _cells),
        *(("Cells", f"{listed(names)}: one and the same cell") for names in _alike(tested)),
        *grouped("Search", searched, _search),
        *grouped("Validation", [row for row in searched if row.validations], _validation, among=searched),
        *grouped("Training", tested, _training),
        _selection(tested),
        *(_measure(tested, measure) for measure in measures),
        ("Sizes", "exact, without auxiliary head; multiply-adds of convolutions and linear layers, for one image"),
        ("Times", "mean, of computing on CPUs and by the clock on GPUs; a search takes as long as its stages together"),
        *grouped("End to end", choosing, _end_to_end, among=searched),
    ]


def _of_datasets(rows: Sequence[Row]) -> list[Statement]:
    """Describe each dataset: its name leads to its rows, except in a table that shows columns instead of datasets."""
    if any(row.column for row in rows):
        return grouped("Data", rows, _data, headings)
    return [("Data", text) for text in dict.fromkeys(map(_data, rows))]


def _data(row: Row) -> str:
    dataset = row.evaluations[0].settings.dataset
    train, test = dataset.splits.train.images, dataset.splits.test.images
    source = "" if dataset.origin == row.dataset else f" (from {dataset.origin})"
    return (
        f"{row.dataset}{source}, {train:,} training and {counted(test, 'test image')} of "
        f"{counted(len(dataset.classes), 'class')}, {dataset.image_size} × {dataset.image_size} pixels"
    )


def _cells(row: Row) -> str:
    searches, trainings, genotypes = row.search_count, len(row.evaluations), len(row.genotypes)
    noun = "random search" if row.random_searches else "search"
    times = "once" if trainings == 1 else f"{trainings} times"
    if row.drawn:
        seeds = f"{counted(len(row.drawn), 'random cell')}, drawn with {plural(str(len(row.drawn)), 'seed')}"
        origin = f"{seeds} {listed(row.drawn)}; {counted(trainings, 'training')}"
    elif row.released:
        origin = f"the genotype named with {row.released.file}"
    elif not searches:
        origin = f"{counted(genotypes, 'genotype')} given, not searched here; {counted(trainings, 'training')}"
    elif row.choice and row.choice.candidates:
        scores = listed(f"{one.top1:.2f} % with seed {one.seed}" for one in row.choice.candidates)
        origin = (
            f"{counted(searches, 'search')}, of which that with seed {row.choice.seed} was chosen, its genotype "
            f"retrained {times}; accuracy on held-out training images: {scores}"
        )
    elif searches == 1:
        named = "the only one" if row.choice else "named beforehand"
        origin = f"1 {noun} (seed {row.search_seeds[0]}, {named}), its genotype retrained {times}"
    elif searches == trainings:
        origin = f"{counted(searches, noun)}, the genotype of each retrained once"
    else:
        found = f"{counted(genotypes, 'genotype')} of theirs retrained"
        origin = f"{counted(searches, noun)}, {found}, {counted(trainings, 'training')} in all"
    if row.random_searches:
        scores = listed(f"{_best(one):.2f} % with seed {one.seed}" for one in row.random_searches)
        origin += f"; accuracy on held-out training images: {scores}"
    return f"{origin}; skip connections in the normal cell: {listed(row.skips)}"


def _alike(rows: Sequence[Row]) -> Iterable[tuple[str, ...]]:
    """Find the architectures that have the same cell in the same column."""
    found: dict[tuple[str, Genotype], dict[str, None]] = {}
    for row in rows:
        if len(row.genotypes) == 1:
            found.setdefault((row.column, row.genotypes[0]), {})[row.architecture] = None
    return dict.fromkeys(tuple(names) for names in found.values() if len(names) > 1)


def _best(search: RandomSearch) -> float:
    """Find the accuracy by which a draw was chosen, in percent."""
    (found,) = (one.top1 for one in search.choice.candidates if one.seed == search.choice.seed)
    return found


def _search(row: Row) -> str:
    if row.random_searches:
        return "; or ".join(dict.fromkeys(map(_random_search, row.random_searches)))
    return "; or ".join(dict.fromkeys(_stages(search) for search in row.searches))


def _random_search(search: RandomSearch) -> str:
    recipe, trained, scored = _short(search.scores[0])
    return (
        f"the best of {counted(len(search.tests), 'random cell')}, each trained once, {_size(recipe)} on the first "
        f"{trained}, and scored on the other {scored:,}; on a tie the first draw; no test image is read"
    )


def _short(test: Evaluation) -> tuple[EvaluatedRecipe, str, int]:
    """Find the recipe of a short training, its training images with their noun, and the number of held-out ones."""
    recipe, trained = test.settings.recipe, test.settings.dataset.splits.train.images - test.images
    assert recipe is not None
    return recipe, counted(trained, "training image"), test.images


def _stages(search: Sequence[StageResult]) -> str:
    settings = [stage.settings for stage in search]
    cells = amounts([stage.cells for stage in settings], "cell")
    operations = amounts([stage.operations for stage in settings], "operation")
    epochs = amounts(dict.fromkeys(stage.epochs for stage in settings), "epoch")
    frozen = listed(dict.fromkeys(stage.frozen_epochs for stage in settings))
    images = listed(dict.fromkeys(stage.images for stage in settings))
    batch = listed(dict.fromkeys(stage.batch_size for stage in settings))
    dropout = listed(f"{stage.skip_dropout:g}" for stage in settings)
    method = listed(dict.fromkeys(stage.of_method for stage in settings))
    learning_rate = listed(dict.fromkeys(f"{stage.alphas.learning_rate:g}" for stage in settings))
    freezing = "alphas never frozen" if frozen == "0" else f"alphas frozen in the first {frozen}"
    return (
        f"{counted(len(search), 'stage')} of {cells} with {operations} an edge, {epochs} each, {freezing}, "
        f"batch {batch}, alphas' learning rate {learning_rate}; skip dropout {dropout} at first; {method}; "
        f"{images}; the genotype follows from the last stage's architecture weights"
    )


def _validation(row: Row) -> str:
    recipe, trained, scored = _short(row.validations[0])
    return (
        f"the genotype of each search retrained once, {_size(recipe)} on the first {trained}, those that trained "
        f"weights in the search, scored on the other {scored:,}; the best accuracy decides, on a tie the lowest seed; "
        "no test image is read"
    )


def _end_to_end(row: Row) -> str:
    spent = row.spent
    search, training = fmean(spent.searches), fmean(spent.trainings)
    if row.random_searches:
        draws = len(row.random_searches[0].tests)
        searched = f"{draws} × {duration(search / draws)} for a short training and its test"
    else:
        validation = duration(fmean(spent.validations))
        searched = f"{len(spent.searches)} × ({duration(search)} for a search + {validation} for its validation)"
    return (
        f"{searched} + {duration(training)} for a retraining = {duration(spent.end_to_end)} of a device, "
        f"{days(spent.end_to_end / DAY)} device-days"
    )


def _training(row: Row) -> str:
    settings = row.evaluations[0].settings
    recipe, images = settings.recipe, settings.dataset.splits.train.images
    if recipe is None:
        return "by others, who offer the weights; tested here, not retrained here"
    optimizer, course = recipe.optimizer, "" if recipe.schedule is None else f" ({recipe.schedule})"
    return (
        f"{_size(recipe)} on all {counted(images, 'training image')}, batch {recipe.batch_size}, learning rate "
        f"{optimizer.learning_rate:g}{course}, weight decay {optimizer.weight_decay:g}, drop path {recipe.drop_path:g}"
    )


def _size(recipe: EvaluatedRecipe) -> str:
    parts = (recipe.cells, "cell"), (recipe.channels, "channel"), (recipe.epochs, "epoch")
    return ", ".join(counted(number, noun) for number, noun in parts)


def _selection(rows: Sequence[Row]) -> Statement:
    runs = {path: run for row in rows for path, run in row.trainings.items()}
    epochs = [epoch for run in runs.values() for epoch in run]
    scored = sum(any(key.startswith("test") for key in epoch.model_extra or {}) for epoch in epochs)
    trainings = counted(len(runs), "training")
    if scored:
        beware = f"beware, {scored} of {counted(len(epochs), 'epoch')} of {trainings}"
        return "Selection", f"{beware} {'was' if scored == 1 else 'were'} scored on test images"
    return (
        "Selection",
        "none on test images; the weights after the last epoch are tested, and none of the "
        f"{counted(len(epochs), 'epoch')} of {trainings} was scored on test images",
    )


def _measure(rows: Sequence[Row], measure: Measure) -> Statement:
    images = amounts(dict.fromkeys(row.evaluations[0].images for row in rows), "test image")
    text = f"percent of {images} {measure.images}"
    if any(len(row.tests) > 1 for row in rows):
        text += "; mean over n trainings ± sample standard deviation (n - 1)"
    if any(len(row.tests) == 1 for row in rows):
        text += "; a single training has no deviation"
    return measure.title, text
