"""Records in finished results of the time, memory and disk that they took."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdarts.engine.files import read_json
from pdarts.tools.cost.calibration import hardware, steps_of
from pdarts.tools.workflow import Job

ESTIMATED = ("search", "train", "test")
"""Steps that compute; the others take seconds of a CPU."""


@dataclass(frozen=True)
class Record:
    """Time, memory and disk that one finished job took."""

    seconds: float
    """Wall time of all its devices, or of its share of one; if the job was resumed, with that of earlier attempts."""
    memory: int | None
    """Peak in bytes; None in results of versions that did not note it."""
    disk: int
    """Size of its files in bytes."""
    device: str
    """Name of the device, as `hardware` gives it."""


def record_of(job: Job) -> Record | None:
    """Read the record of a search stage, training or test; None if there is no result, or one of other settings.

    The cost of a training is read from the test of its weights, so that no weights need be loaded.
    """
    if job.step not in ESTIMATED or not all(path.exists() for path in job.outputs):
        return None
    path = job.path("output")
    if job.step == "train":
        path = path.with_name("test.json")
        if not path.exists():
            return None
    result = read_json(path, "result", f"pdarts.{job.step}")
    held = result["settings"]["recipe"] if job.step == "train" else result["settings"]
    if job.step != "test" and held != job.settings():
        return None
    of_training = "training_" if job.step == "train" else ""
    provenance = result[f"{of_training}provenance"]
    disk = sum(output.stat().st_size for output in job.outputs)
    seconds = result[f"{of_training}seconds"] * provenance["processes"] / steps_of(provenance)
    return Record(seconds, provenance.get("memory"), disk, hardware(provenance))


def same_work(job: Job, makers: Mapping[Path, Job]) -> str:
    """Describe a job by a text that is equal for jobs that differ only in seed, names and genotype."""
    asked: dict[str, Any] = {"step": job.step, "data": job.option("data")}
    maker = makers.get(job.path("weights")) if job.step == "test" and job.option("weights") else job
    asked["settings"] = maker.option("settings") if maker else job.option("weights")
    asked["stage"] = job.option("stage")
    return json.dumps(asked)
