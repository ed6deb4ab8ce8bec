"""Two processes do what one would that sees their halves of every batch in turn."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from pdarts.data.share import Share
from tests.configuration import ROOT
from tests.engine import pair
from tests.engine.launching import torchrun

IN_TURN: dict[str, Callable[[], tuple[dict[str, torch.Tensor], list[float]]]] = {
    "train": pair.train_in_turn,
    "first_order": partial(pair.search_in_turn, pair.FIRST_ORDER),
    "second_order": partial(pair.search_in_turn, pair.SECOND_ORDER),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left."""
    folder = tmp_path_factory.mktemp("pair")
    done = subprocess.run([*torchrun(2), "tests.engine.pair", str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def float64() -> object:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("work", IN_TURN)
def test_two_processes_agree_with_one_that_does_both_halves_in_turn(work: str, folder: Path, float64: None) -> None:
    found = torch.load(folder / f"{work}0.pt", weights_only=True)
    expected, losses = IN_TURN[work]()
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(
            found[name], tensor, rtol=1e-9, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}"
        )
    assert pair.losses(folder / work) == pytest.approx(losses, rel=1e-9)


@pytest.mark.parametrize("work", ["first_order", "second_order"])
def test_all_processes_hold_the_same_alphas(work: str, folder: Path) -> None:
    first, second = (torch.load(folder / f"{work}{number}.pt", weights_only=True) for number in range(2))
    assert all(torch.equal(first[kind], second[kind]) for kind in first)


def test_all_processes_hold_the_same_weights_and_statistics_of_their_own(folder: Path) -> None:
    first, second = (torch.load(folder / f"train{number}.pt", weights_only=True) for number in range(2))
    differing = [name for name in first if not torch.equal(first[name], second[name])]
    assert differing
    assert all("running" in name for name in differing)
