"""What `make bench` reports."""

from benchmarks.cases import Case
from benchmarks.run import compare, line, markdown


def test_both_are_called_by_turns_and_the_first_turn_is_not_counted() -> None:
    calls: list[str] = []
    row = compare(Case("work", 1.0, 2.0, lambda: (lambda: calls.append("theirs"), lambda: calls.append("ours"))), 3)
    assert calls == ["theirs", "ours"] * 4
    assert row["n"] == 3
    assert row["least"] <= row["ratio"] <= row["most"]


def test_a_ratio_comes_with_its_spread_and_number() -> None:
    seconds = {"baseline_seconds": 6.0, "seconds": 2.0}
    row = {"name": "work", "n": 3, **seconds, "ratio": 3.0, "least": 2.5, "most": 3.5, "floor": 1.5, "target": 4.0}
    assert line(row) == "work: 6.000 s to 2.000 s, 3.00 times (n=3, 2.50 to 3.50)"
    result = {"device": "X", "threads": 1, "torch": "2", "kernels": True, "rows": [row]}
    assert "| work | 6.000 | 2.000 | **3.00** | 2.50–3.50 | 3 | 1.5 | 4 |" in markdown(result)
