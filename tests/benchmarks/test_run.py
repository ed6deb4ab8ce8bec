"""What `make bench` reports."""

import time

import pytest
import torch

from benchmarks import run
from benchmarks.cases import Case, settings
from benchmarks.run import compare, launches, line, markdown


def test_both_are_called_by_turns_and_the_first_turn_is_not_counted() -> None:
    calls: list[str] = []
    both = (lambda: calls.append("theirs")), (lambda: calls.append("ours"))
    row = compare(Case("work", 1.0, 2.0, lambda: both, iteration=False), 3, torch.device("cpu"))
    assert calls == ["theirs", "ours"] * 4
    assert row["n"] == 3
    assert row["least"] <= row["ratio"] <= row["most"]


def test_a_ratio_comes_with_its_spread_and_number() -> None:
    seconds = {"baseline_seconds": 6.0, "seconds": 2.0}
    row = {"name": "work", "n": 3, **seconds, "ratio": 3.0, "least": 2.5, "most": 3.5, "floor": 1.5, "target": 4.0}
    row |= {"launches": [200, 100]}
    assert line(row) == "work: 6.000 s to 2.000 s, 3.00 times (n=3, 2.50 to 3.50)"
    memory = {"stage": 1, "textbook": 400 * 2**20, "pdarts": 200 * 2**20, "recomputation": 100 * 2**20}
    result = {"device": "X", "threads": 1, "torch": "2", "kernels": True, "rows": [row], "memory": [memory]}
    text = markdown(result)
    assert "| work | 6.000 | 2.000 | **3.00** | 2.50–3.50 | 3 | 1.5 | 4 | 200 → 100 |" in text
    assert "| 1 | 400 | 200 | **0.50** | 100 | **0.25** |" in text


def test_launches_are_those_of_one_iteration() -> None:
    x = torch.ones(3)
    assert launches(lambda: x + x, torch.device("cpu")) == 1
    assert launches(lambda: [x * x for _ in range(5)], torch.device("cpu")) == 5


def test_a_lost_factor_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def slower(name: str, floor: float) -> Case:
        return Case(
            name, floor, 2 * floor, lambda: (lambda: time.sleep(0.02), lambda: time.sleep(0.02)), iteration=False
        )

    monkeypatch.setattr("sys.argv", ["run", "--check", "--repeats", "1"])
    monkeypatch.setattr(run, "QUICK", (slower("kept", 1.0),))
    run.main()
    monkeypatch.setattr(run, "QUICK", (slower("kept", 1.0), slower("lost", 3.0)))
    with pytest.raises(SystemExit, match=r"below 0\.6 times their floors: lost$"):
        run.main()


def test_stages_are_those_of_the_paper() -> None:
    assert [settings(stage).cells for stage in (1, 2, 3)] == [5, 11, 17]
    assert settings(1, cells=3).cells == 3
