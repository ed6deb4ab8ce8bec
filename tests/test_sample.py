"""Random cells as a step: a seed and a limit say which cell."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pdarts import sample
from pdarts.engine import step
from pdarts.space.genotype import Genotype

SEED_0 = {
    "normal": [
        ["max_pool_3x3", 0], ["sep_conv_5x5", 1], ["skip_connect", 0], ["dil_conv_3x3", 2],
        ["dil_conv_5x5", 2], ["max_pool_3x3", 3], ["sep_conv_3x3", 3], ["avg_pool_3x3", 4],
    ],
    "normal_concat": [2, 3, 4, 5],
    "reduce": [
        ["sep_conv_5x5", 0], ["sep_conv_3x3", 1], ["dil_conv_3x3", 1], ["dil_conv_3x3", 2],
        ["avg_pool_3x3", 0], ["avg_pool_3x3", 2], ["dil_conv_5x5", 2], ["sep_conv_5x5", 4],
    ],
    "reduce_concat": [2, 3, 4, 5],
}  # fmt: skip


def draw(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: object) -> Any:
    output = folder / "genotype.json"
    command = ["pdarts.sample", *map(str, arguments), "--output", str(output)]
    monkeypatch.setattr(sys, "argv", command)
    step.run(sample.main)
    return json.loads(output.read_text())


def test_a_seed_draws_the_same_cell_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert draw(monkeypatch, tmp_path, "--seed", 0) == SEED_0


def test_seeds_and_limits_draw_cells_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options = [(), *(("--max-skips", limit) for limit in range(9))]
    drawn = [draw(monkeypatch, tmp_path, "--seed", seed, *option) for seed in range(5) for option in options]
    genotypes = {Genotype.parse(value, "drawn") for value in drawn}
    assert len(genotypes) == 50
    assert len({genotype.normal for genotype in genotypes}) == 50


@pytest.mark.parametrize("limit", range(9))
def test_a_limit_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: int) -> None:
    for seed in range(20):
        value = draw(monkeypatch, tmp_path, "--seed", seed, "--max-skips", limit)
        assert sum(name == "skip_connect" for name, _ in value["normal"]) <= limit


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seed", 0, "--max-skips", 9), "--max-skips is 9; allowed: 0 to 8"),
        (("--seed", 0, "--max-skips", -1), "--max-skips is -1; allowed: 0 to 8"),
        (("--seed", -1), "--seed is -1; allowed: integers from 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        draw(monkeypatch, tmp_path, *arguments)
    assert not (tmp_path / "genotype.json").exists()
