"""Plain lines in a log, one renewing line on a terminal."""

import io
import re
from types import SimpleNamespace

import pytest
import torch

from pdarts.engine import progress
from pdarts.engine.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_plain_line_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    shown = Progress("train digits seed 0", epochs=2, iterations=3)
    for epoch in (1, 2):
        for number in (1, 2, 3):
            shown.iteration(epoch, number, torch.tensor(1.5))
        shown.epoch(epoch, "train_loss 1.5")
    lines = log.getvalue().splitlines()
    assert re.fullmatch(r"train digits seed 0 \| epoch 1/2: train_loss 1.5, \d+:\d\d:\d\d left", lines[0])
    assert lines[1:] == ["train digits seed 0 | epoch 2/2: train_loss 1.5, done"]


def test_a_terminal_gets_iteration_loss_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(progress, "TERMINAL_SECONDS", 0)
    shown = Progress("train digits seed 0", epochs=2, iterations=3)
    shown.iteration(1, 1, torch.tensor(2.5))
    shown.iteration(1, 2, torch.tensor(1.5))
    _, first, second = terminal.getvalue().split("\r\x1b[K")
    assert first == "train digits seed 0 | epoch 1/2, iteration 1/3: loss 2.5000, time left not known yet"
    reached = r"train digits seed 0 \| epoch 1/2, iteration 2/3: loss 1.5000"
    assert re.fullmatch(rf"{reached}, \d+:\d\d:\d\d left", second)


def test_the_first_iteration_which_may_compile_for_long_does_not_count_for_the_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, now = io.StringIO(), 0
    monkeypatch.setattr("sys.stderr", log)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now))
    shown = Progress("train digits seed 0", epochs=2, iterations=3)
    now = 100
    shown.iteration(1, 1, torch.tensor(1.5))
    now = 122
    shown.iteration(1, 3, torch.tensor(1.5))
    first, second = log.getvalue().splitlines()
    assert first.endswith("iteration 1/3: loss 1.5000, time left not known yet")
    assert second.endswith("iteration 3/3: loss 1.5000, 0:00:33 left")
