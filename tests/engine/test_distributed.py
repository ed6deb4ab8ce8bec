"""Two processes do what one would that sees their halves of every batch in turn."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from pdarts.data.share import WHOLE, Share
from tests import warm
from tests.by_hand import call, train_arguments, write_manifest
from tests.configuration import ROOT
from tests.engine import pair
from tests.engine.launching import torchrun

IN_TURN: dict[str, Callable[[], tuple[dict[str, torch.Tensor], list[float]]]] = {
    **dict.fromkeys(("train", "train_channels_last"), pair.train_in_turn),
    **{name: partial(pair.search_in_turn, stage) for name, stage in pair.SEARCHES.items()},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left."""
    folder = tmp_path_factory.mktemp("pair")
    launch = torchrun(2, warm.python())
    done = subprocess.run([*launch, "tests.engine.pair", str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def float64() -> Iterator[None]:
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


@pytest.mark.parametrize("work", pair.SEARCHES)
def test_all_processes_hold_the_same_alphas(work: str, folder: Path) -> None:
    first, second = (torch.load(folder / f"{work}{number}.pt", weights_only=True) for number in range(2))
    assert all(torch.equal(first[kind], second[kind]) for kind in first)


@pytest.mark.parametrize("work", pair.SEARCHES)
def test_a_search_of_two_processes_that_is_continued_ends_with_the_same_bits(work: str, folder: Path) -> None:
    for process in range(2):
        through, resumed = (
            torch.load(folder / f"{name}{process}.pt", weights_only=True) for name in (work, f"{work}_resumed")
        )
        assert all(torch.equal(through[kind], resumed[kind]) for kind in through)
    metrics = [(folder / name / "metrics.jsonl").read_text() for name in (work, f"{work}_resumed")]
    without_times = [[{**json.loads(line), "seconds": 0} for line in text.splitlines()] for text in metrics]
    assert without_times[0] == without_times[1]


def test_all_processes_hold_the_same_weights_and_statistics_of_their_own(folder: Path) -> None:
    first, second = (torch.load(folder / f"train{number}.pt", weights_only=True) for number in range(2))
    differing = [name for name in first if not torch.equal(first[name], second[name])]
    assert differing
    assert all("running" in name for name in differing)


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
@pytest.mark.parametrize("images", [0, 1, 5, 8, 23])
def test_shares_are_all_of_a_batch_and_of_one_size_give_or_take_an_image(images: int, processes: int) -> None:
    shares = [range(images)[Share(process, processes).of(images)] for process in range(processes)]
    assert [image for share in shares for image in share] == list(range(images))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("process", [0, 1])
def test_evaluation_counts_every_image_once_and_every_process_knows_all(
    process: int, folder: Path, float64: None
) -> None:
    found, alone = torch.load(folder / f"scored{process}.pt", weights_only=True), pair.scored(WHOLE).state_dict()
    assert found["images"] == alone["images"] == pair.IMAGES
    torch.testing.assert_close(found["sums"], alone["sums"], rtol=1e-9, atol=0)


def test_a_process_that_fails_takes_the_step_down_and_shows_why() -> None:
    started = time.monotonic()
    done = subprocess.run([*torchrun(2), "tests.engine.ending", "fail"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "in main" in done.stderr
    assert "RuntimeError: this one fails" in done.stderr
    assert time.monotonic() - started < 60


def test_no_process_outlives_torchrun() -> None:
    with subprocess.Popen([*torchrun(2), "tests.engine.ending"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pids = [int(run.stdout.readline()) for _ in range(2)]
        assert all(alive(pid) for pid in pids)
        run.kill()
    until = time.monotonic() + 20
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in pids if alive(pid)]


def alive(pid: int) -> bool:
    """Whether there is such a process, other than one that nobody has asked about since it ended."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(listed) and not listed.startswith("Z")


def test_a_step_that_wants_more_processes_says_how_to_start_it(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    arguments = train_arguments(write_manifest(tmp_path), weights)
    index = arguments.index("--settings") + 1
    arguments[index] = json.dumps(json.loads(str(arguments[index])) | {"processes": 2})
    message = str(call("train", *arguments))
    assert "torchrun --standalone --nproc-per-node 2" in message
    assert not list(tmp_path.glob("weights*"))
