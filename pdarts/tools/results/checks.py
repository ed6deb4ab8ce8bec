"""Checks that a result which was made elsewhere is the one that a job here would make."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pdarts.data import manifest
from pdarts.engine.files import read_json
from pdarts.engine.provenance import content_digest
from pdarts.engine.seeds import random_cells
from pdarts.errors import InputError
from pdarts.nets import saved
from pdarts.progressive.choice import choose
from pdarts.progressive.method import method_behind
from pdarts.progressive.refinement import derive
from pdarts.space import genotype_file
from pdarts.space.architecture import parse
from pdarts.space.genotype import Genotype
from pdarts.space.sampling import sample
from pdarts.tools.workflow import Job

Files = Mapping[Path, Path]
"""Paths in the other folder of a job's outputs, by their paths here."""


class OtherCode(InputError):
    """A result fits in all but the code that made it."""


def check(job: Job, there: Files) -> None:
    """Check a job's files.

    Args:
        job: the job, whose inputs are here and up to date.
        there: its outputs in the other folder.

    Raises:
        InputError: naming the first thing in which they do not fit.
        OtherCode: if all else fits.
    """
    CHECKS[job.step](job, there)


def check_tested(training: Job, test: Job) -> None:
    """Check the test of a training whose weights are not kept, and its metrics; arguments are both jobs.

    Raises:
        InputError: naming the first thing in which they do not fit.
    """
    found = _result(test.path("output"), "settings", "genotype", "training_provenance")
    _same("settings", found["settings"]["recipe"], training.settings())
    _check_tested(found, training)
    epochs_run = found.get("epochs_run", found["settings"]["recipe"]["epochs"])
    _check_epochs(training, {path: path for path in training.outputs}, epochs_run)
    _check_seed(training, found["training_provenance"])


def check_checkpoint(test: Job) -> None:
    """Check the test of weights that others trained, in place; it does not say which weights these were.

    Raises:
        InputError: naming the first thing in which it does not fit.
    """
    _check_tested(_result(test.path("output"), "settings", "genotype"), test)


def _check_tested(found: Mapping[str, Any], job: Job) -> None:
    """Check the images and the cell of a test against those that a job reads."""
    _same("dataset", found["settings"]["dataset"], read_json(job.path("data"), "manifest", "pdarts.prepare"))
    if Genotype.parse(found["genotype"], "test") != genotype_file.read(job.path("genotype")):
        raise InputError(f"it has another cell than {job.path('genotype')}")


def _check_manifest(job: Job, there: Files) -> None:
    found = manifest.read(there[job.path("output")])
    held, asked = found.model_dump(mode="json"), job.settings()
    _same("settings", {key: held.get(key) for key in asked}, asked)


def _check_stage(job: Job, there: Files) -> None:
    found = _result(there[job.path("output")], "stage", "settings", "cells", "provenance")
    _same("stage", str(found["stage"]), job.option("stage"))
    _same("settings", found["settings"], job.settings())
    architecture = parse(found["cells"], str(there[job.path("output")]))
    last = _check_epochs(job, there, found.get("epochs_run", found["settings"]["epochs"]))
    ended = {kind: weights.tolist() for kind, weights in architecture.weights.items()}
    if last.get("architecture_weights") != ended:
        raise InputError("its metrics are those of another search: they end with other architecture weights")
    _check_seed(job, found["provenance"])
    for name in ("data", "previous"):
        if path := job.option(name):
            digest = found["provenance"].get("inputs", {}).get(name)
            _same(f"digest of its input --{name} ({path})", digest, content_digest(Path(path)))
    _check_code(job, found["provenance"])


def _check_genotype(job: Job, there: Files) -> None:
    found = read_json(there[job.path("output")], "genotype file", "pdarts.derive")
    stage, limit = job.path("stage"), job.option("max-skips")
    value = read_json(stage, "stage file", "pdarts.search")
    architecture = parse(value["cells"], str(stage))
    derived = derive(architecture, method_behind(value, str(stage)), None if limit is None else int(limit))
    _same("genotype", Genotype.parse(found, "genotype"), derived)


def _check_sample(job: Job, there: Files) -> None:
    found = read_json(there[job.path("output")], "genotype file", "pdarts.sample")
    limit = job.option("max-skips")
    max_skips = None if limit is None else int(limit)
    drawn = sample(random_cells(int(job.options["seed"][0]), max_skips), max_skips)
    _same("genotype", Genotype.parse(found, "genotype"), drawn)


def _check_choice(job: Job, there: Files) -> None:
    found = _result(there[job.path("choice")], "seed", "candidates", "provenance")
    seeds = [int(seed) for seed in job.options["seeds"]]
    chosen = choose(seeds, [Path(path) for path in job.options.get("validations", ())])
    for key, value in chosen.items():
        _same(key, found[key], value)
    genotype = Path(job.options["genotypes"][seeds.index(chosen["seed"])])
    copied = read_json(there[job.path("output")], "genotype file", "pdarts.choose")
    _same("genotype", copied, read_json(genotype, "genotype file", "pdarts.derive"))


def _check_weights(job: Job, there: Files) -> None:
    found = saved.load(there[job.path("output")])
    _same("settings", found["recipe"], job.settings())
    _same("dataset", found["dataset"], read_json(job.path("data"), "manifest", "pdarts.prepare"))
    _same("genotype", found["genotype"], genotype_file.read(job.path("genotype")).to_json())
    saved.network_of(found, str(there[job.path("output")]))
    _check_epochs(job, there, found.get("epochs_run", found["recipe"]["epochs"]))
    _check_seed(job, found["provenance"])
    _check_code(job, found["provenance"])


def _check_test(job: Job, there: Files) -> None:
    if job.option("genotype"):
        raise InputError("it is a test of weights that others trained, which is made here")
    found = _result(there[job.path("output")], "settings", "genotype", "provenance", "training_provenance")
    weights = saved.load(job.path("weights"))
    _same("dataset", found["settings"]["dataset"], read_json(job.path("data"), "manifest", "pdarts.prepare"))
    _same("settings", found["settings"]["recipe"], weights["recipe"])
    _same("genotype", found["genotype"], weights["genotype"])
    tested, own = found["training_provenance"], weights["provenance"]
    for key in ("started", "seconds", "seed", "device"):
        _same(f"{key} of the training that it tested", tested.get(key), own.get(key))
    _check_code(job, found["provenance"])


CHECKS: dict[str, Callable[[Job, Files], None]] = {
    "prepare": _check_manifest,
    "search": _check_stage,
    "derive": _check_genotype,
    "sample": _check_sample,
    "train": _check_weights,
    "test": _check_test,
    "choose": _check_choice,
}
"""Checks by step. Files of other steps are cheap, so they are made again here."""


def _result(path: Path, *keys: str) -> dict[str, Any]:
    value = read_json(path, "result", "the step that wrote it")
    if not isinstance(value, dict) or not set(keys) <= set(value):
        raise InputError(f"it does not hold {', '.join(keys)}")
    return value


def _same(what: str, found: object, expected: object) -> None:
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in sorted({*found, *expected}):
            if found.get(key) != expected.get(key):
                _same(f"{what}: {key}", found.get(key), expected.get(key))
    if found != expected:
        raise InputError(f"its {what} is {found!r}, here it is {expected!r}")


def _check_seed(job: Job, provenance: Mapping[str, Any]) -> None:
    _same("seed", str(provenance.get("seed")), job.option("seed"))


def _check_epochs(job: Job, there: Files, epochs_run: int) -> dict[str, Any]:
    """Check that the metrics are lines of all epochs in order, and return the last line."""
    lines = []
    for number, line in enumerate(there[job.path("metrics")].read_text(encoding="utf-8").splitlines(), 1):
        try:
            lines.append(json.loads(line))
            _same(f"epoch in line {number} of its metrics", lines[-1].get("epoch"), number)
        except (ValueError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"line {number} of its metrics is not the JSON of an epoch") from error
    _same("number of epochs in its metrics", len(lines), epochs_run)
    return lines[-1] if lines else {}


def _check_code(job: Job, provenance: Mapping[str, Any]) -> None:
    code = provenance.get("code")
    if code != job.code:
        raise OtherCode(
            f"it was made by other code of pdarts.{job.step} ({code}, commit {provenance.get('commit')}; here it is "
            f"{job.code})"
        )
