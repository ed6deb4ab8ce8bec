"""The published cells that come with the package."""

import json
from pathlib import Path

import pdarts
from pdarts.space.genotype import Genotype

FOLDER = Path(pdarts.__file__).parent / "genotypes"


def published(name: str) -> Genotype:
    path = FOLDER / f"{name}.json"
    return Genotype.parse(json.loads(path.read_text()), str(path))
