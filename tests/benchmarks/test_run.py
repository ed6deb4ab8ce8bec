"""What `make bench` reports."""

import time
from collections.abc import Callable

import pytest
import torch

from benchmarks import run
from benchmarks.cases import Case
from benchmarks.run import compare, launches, line, markdown
from benchmarks.searches import Iteration, Search
from benchmarks.setup import Setup, setup_on
from benchmarks.trainings import Training
from pdarts.settings.machine import Machine

CPU = torch.device("cpu")


def test_both_are_called_by_turns_and_the_first_turn_is_not_counted() -> None:
    calls: list[str] = []

    def calling(name: str) -> Callable[[Setup], Iteration]:
        return lambda setup: lambda: calls.append(name)

    case = Case("work", 1.0, 2.0, calling("theirs"), calling("ours"), iteration=False)
    row = compare(case, 3, Setup(CPU))
    assert calls == ["theirs", "ours"] * 4
    assert row["n"] == 3
    assert row["least"] <= row["ratio"] <= row["most"]


def test_a_ratio_comes_with_its_spread_and_number() -> None:
    seconds = {"baseline_seconds": 6.0, "seconds": 2.0}
    row = {"name": "work", "n": 3, **seconds, "ratio": 3.0, "least": 2.5, "most": 3.5, "floor": 1.5, "target": 4.0}
    row |= {"launches": [200, 100]}
    assert line(row) == "work: 6.000 s to 2.000 s, 3.00 times (n=3, 2.50 to 3.50)"
    memory = {"stage": 1, "textbook": 400 * 2**20, "pdarts": 200 * 2**20, "recomputation": 100 * 2**20}
    result = {"device": "X", "threads": 1, "torch": "2", "kernels": "own", "rows": [row], "memory": [memory]}
    text = markdown(result)
    assert "| work | 6.000 | 2.000 | **3.00** | 2.50–3.50 | 3 | 1.5 | 4 | 200 → 100 |" in text
    assert "| 1 | 400 | 200 | **0.50** | 100 | **0.25** |" in text


def test_launches_are_those_of_one_iteration() -> None:
    x = torch.ones(3)
    assert launches(lambda: x + x, CPU) == 1
    assert launches(lambda: [x * x for _ in range(5)], CPU) == 5


def test_a_lost_factor_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def slower(name: str, floor: float) -> Case:
        def sleeping(setup: Setup) -> Iteration:
            return lambda: time.sleep(0.02)

        return Case(name, floor, 2 * floor, sleeping, sleeping, iteration=False)

    monkeypatch.setattr("sys.argv", ["run", "--check", "--repeats", "1"])
    monkeypatch.setattr(run, "QUICK", (slower("kept", 1.0),))
    run.main()
    monkeypatch.setattr(run, "QUICK", (slower("kept", 1.0), slower("lost", 3.0)))
    with pytest.raises(SystemExit, match=r"below 0\.6 times their floors: lost$"):
        run.main()


def test_a_gpu_gets_the_batches_of_the_paper_and_a_cpu_smaller_ones() -> None:
    on_gpu, on_cpu = (setup_on(torch.device(name), Machine()) for name in ("cuda", "cpu"))
    stages = [Search(stage=stage).settings(on_gpu) for stage in (1, 2, 3)]
    assert [(stage.cells, stage.channels, stage.batch_size) for stage in stages] == [
        (5, 16, 96),
        (11, 16, 96),
        (17, 16, 96),
    ]
    assert [Training(recipe).settings(on_gpu).batch_size for recipe in ("cifar", "imagenet")] == [128, 128]
    assert Search(changes={"cells": 3}).settings(on_cpu).cells == 3
    assert Search().settings(on_cpu).batch_size == 16
    assert [Training(recipe).settings(on_cpu).batch_size for recipe in ("cifar", "imagenet")] == [16, 8]
