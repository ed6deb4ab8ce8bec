"""Small jobs, as Snakemake's dry run tells of them."""

import json
from pathlib import Path
from typing import Any

from pdarts.tools.cost.work import Size, Work
from pdarts.tools.workflow import Job
from tests.configuration import CONFIG
from tests.genotypes import published

SIZE = Size(train=1000, test=500, pixels=16, classes=10)


def search_work(stage: int = 1, size: Size = SIZE, **changes: Any) -> Work:
    settings = CONFIG.searches["digits"].stage_settings(stage).model_dump(mode="json")
    return Work("search", settings | changes, size, None)


def training_work(size: Size = SIZE, **changes: Any) -> Work:
    settings = CONFIG.recipes["digits"].model_dump(mode="json")
    genotype = json.loads(json.dumps(published("PDARTS").to_json()))
    return Work("train", settings | changes, size, genotype)


def job(step: str, pending: bool = True, **options: str) -> Job:
    return Job(step, "0123456789abcdef", {name: (value,) for name, value in options.items()}, pending)


def search_job(folder: Path, seed: int = 0, stage: int = 1, pending: bool = True) -> Job:
    stem = f"{folder}/search/digits/seed{seed}/stage{stage}"
    settings = CONFIG.searches["digits"].stage_settings(stage).model_dump_json()
    return job(
        "search",
        pending,
        data=f"{folder}/data/digits.json",
        stage=str(stage),
        settings=settings,
        seed=str(seed),
        output=f"{stem}.json",
        metrics=f"{stem}.metrics.jsonl",
        experiment="digits",
        **({"previous": f"{folder}/search/digits/seed{seed}/stage{stage - 1}.json"} if stage > 1 else {}),
    )


def prepare_job(folder: Path) -> Job:
    settings = CONFIG.datasets["digits"].model_dump_json()
    return job("prepare", settings=settings, output=f"{folder}/data/digits.json")
