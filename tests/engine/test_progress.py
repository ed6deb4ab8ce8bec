"""Plain lines in a log, one renewing line on a terminal."""

import io
import re

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
    shown.iteration(1, 2, torch.tensor(1.5))
    assert re.fullmatch(
        r"\r\x1b\[Ktrain digits seed 0 \| epoch 1/2, iteration 2/3: loss 1.5000, \d+:\d\d:\d\d left",
        terminal.getvalue(),
    )
