"""The choice among several searches by images that none of them trained weights on; no test image decides."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pdarts.engine.files import read_json
from pdarts.errors import InputError


def choose(seeds: Sequence[int], validations: Sequence[Path]) -> dict[str, Any]:
    """Choose the seed whose genotype has the best accuracy on held-out training images; the lowest on a tie.

    Args:
        seeds: seeds of the searches.
        validations: test result of each genotype's short retraining; empty if there is one seed.

    Returns:
        `seed`, and `candidates`, each with `seed`, `top1` in percent and the number of `images` it was scored on.

    Raises:
        InputError: if one was scored on test images.
    """
    if not validations:
        (seed,) = seeds
        return {"seed": seed, "candidates": []}
    candidates = []
    for seed, path in zip(seeds, validations, strict=True):
        result = read_json(path, "test result", "pdarts.test")
        recipe = result["settings"]["recipe"]
        if recipe is None or recipe["train_portion"] == 1:
            raise InputError(
                f"{path} was scored on test images, which must decide nothing; validate with a train_portion below 1"
            )
        candidates.append({"seed": seed, "top1": result["top1"], "images": result["images"]})
    best = min(candidates, key=lambda one: (-one["top1"], one["seed"]))
    return {"seed": best["seed"], "candidates": candidates}
