"""How a table's numbers came about, said from the results themselves, and what about them needs a warning."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from pdarts.reporting.results import Accepted, Provenance, StageResult
from pdarts.reporting.rows import Records, Row

Statement = tuple[str, str]
"""What it is about, and what is to be said."""


def protocol(rows: Sequence[Row]) -> list[Statement]:
    """On data, cells, searches, trainings and how numbers are counted."""
    searched = [row for row in rows if row.searches]
    return [
        *_grouped("Data", rows, _data),
        *_grouped("Cells", rows, _cells),
        *_grouped("Search", searched, _search),
        *_grouped("Training", rows, _training),
        _selection(rows),
        _accuracy(rows),
        ("Sizes", "exact, without auxiliary head; multiply-adds of convolutions and linear layers, for one image"),
        ("Times", "wall clock, mean; a search takes as long as its stages together"),
    ]


def notes(rows: Sequence[Row]) -> list[str]:
    """What does not go without saying: mixed devices, versions or code, changed code, results accepted as they were."""
    records = merged(rows)
    warnings = []
    for what, found in (
        ("devices", _used(records, lambda record: record.where)),
        ("commits", _used(records, lambda record: record.commit)),
        ("versions of torch", _used(records, lambda record: record.torch)),
    ):
        if len(found) > 1:
            listed = "; ".join(f"{name or 'unknown'} ({', '.join(steps)})" for name, steps in found.items())
            warnings.append(f"Mixed {what}: {listed}.")
    changed = sum(record.clean is False for record in records.values())
    if changed:
        warnings.append(f"The code had uncommitted changes when {changed} of {len(records)} results were made.")
    unknown = sum(record.commit is None for record in records.values())
    if unknown:
        warnings.append(f"The commit of the code is unknown for {unknown} of {len(records)} results.")
    accepted = Counter(_reason(entry) for record in records.values() for entry in record.accepted)
    for why, count in accepted.items():
        warnings.append(f"Accepted after a change of the code, not computed anew: {_count(count, 'result')} ({why}).")
    return warnings


def _reason(accepted: Accepted) -> str:
    code = f"commit {accepted.commit[:12]}" if accepted.commit else "commit unknown"
    return f"{code}, {accepted.when}: {accepted.reason}"


def merged(rows: Sequence[Row]) -> Records:
    """The records of all rows, each file once."""
    records: Records = {}
    for row in rows:
        records |= row.records
    return records


def _grouped(label: str, rows: Sequence[Row], describe: Callable[[Row], str]) -> list[Statement]:
    """One statement for all rows of which the same is true, naming them where not all are."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(describe(row), []).append(row.architecture)
    if len(groups) == 1:
        return [(label, text) for text in groups]
    return [(label, f"{', '.join(dict.fromkeys(names))}: {text}") for text, names in groups.items()]


def _data(row: Row) -> str:
    dataset = row.evaluations[0].settings.dataset
    train, test = dataset.splits.train.images, dataset.splits.test.images
    return (
        f"{dataset.name}, {train:,} training and {test:,} test images of {len(dataset.classes)} classes, "
        f"{dataset.image_size} × {dataset.image_size} pixels"
    )


def _cells(row: Row) -> str:
    searches, trainings, genotypes = len(row.searches), len(row.evaluations), len(row.genotypes)
    if not searches:
        origin = f"{_count(genotypes, 'genotype')} given, not searched here; {_count(trainings, 'training')}"
    elif searches == trainings:
        origin = f"{_count(searches, 'search')}, the genotype of each retrained once"
    elif searches == 1:
        origin = f"1 search, its genotype retrained {trainings} times"
    else:
        origin = (
            f"{_count(searches, 'search')}, their {_count(genotypes, 'genotype')} retrained {trainings} times in all"
        )
    skips = [sum(name == "skip_connect" for name, _ in genotype.normal) for genotype in row.genotypes]
    return f"{origin}; skip connections in the normal cell: {_listed(skips)}"


def _search(row: Row) -> str:
    return "; or ".join(dict.fromkeys(_stages(search) for search in row.searches))


def _stages(search: Sequence[StageResult]) -> str:
    settings = [stage.settings for stage in search]
    cells = _listed(stage.cells for stage in settings)
    operations = _listed(stage.operations for stage in settings)
    epochs = _listed(dict.fromkeys(stage.epochs for stage in settings))
    frozen = _listed(dict.fromkeys(stage.frozen_epochs for stage in settings))
    share = _listed(dict.fromkeys(f"{100 * stage.train_portion:g} %" for stage in settings))
    return (
        f"{_count(len(search), 'stage')} of {cells} cells with {operations} operations an edge, {epochs} epochs each, "
        f"alphas frozen in the first {frozen}; the first {share} of the training images train network weights, the "
        "others alphas; the genotype follows from the last stage's architecture weights"
    )


def _training(row: Row) -> str:
    settings = row.evaluations[0].settings
    recipe, images = settings.recipe, settings.dataset.splits.train.images
    return f"{recipe.cells} cells, {recipe.channels} channels, {recipe.epochs} epochs on all {images:,} training images"


def _selection(rows: Sequence[Row]) -> Statement:
    epochs = [epoch for row in rows for run in row.trainings for epoch in run]
    scored = sum(any(key.startswith("test") for key in epoch.model_extra or {}) for epoch in epochs)
    trainings = _count(sum(len(row.trainings) for row in rows), "training")
    if scored:
        return "Selection", f"beware, {scored} of {len(epochs)} epochs of {trainings} were scored on test images"
    return (
        "Selection",
        "none on test images; the weights after the last epoch are tested, and none of the "
        f"{len(epochs):,} epochs of {trainings} was scored on test images",
    )


def _accuracy(rows: Sequence[Row]) -> Statement:
    images = _listed(dict.fromkeys(f"{row.evaluations[0].images:,}" for row in rows))
    text = f"percent of {images} test images whose most probable class is right"
    if any(len(row.evaluations) > 1 for row in rows):
        text += "; mean over n trainings ± sample standard deviation (n - 1)"
    if any(len(row.evaluations) == 1 for row in rows):
        text += "; a single training has no deviation"
    return "Accuracy", text


def _used(records: Records, key: Callable[[Provenance], str | None]) -> dict[str | None, list[str]]:
    """Steps by what was used in them."""
    found: dict[str | None, dict[str, None]] = {}
    for (step, _), record in records.items():
        found.setdefault(key(record), {})[step] = None
    return {name: list(steps) for name, steps in found.items()}


def _count(number: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("ch") else "s")
    return f"{number} {noun if number == 1 else plural}"


def _listed(values: Iterable[object]) -> str:
    texts = [str(value) for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
