"""Steps are really timed, and what cannot be timed is said."""

import multiprocessing
import os
import signal
import time
from collections import Counter
from contextlib import suppress
from multiprocessing.connection import Connection

import pytest
import torch

from pdarts.engine.graphs import EAGER_CALLS
from pdarts.settings.machine import Machine
from pdarts.space.operations import CANDIDATES
from pdarts.tools.cost.calibration import Calibration
from pdarts.tools.cost.measuring import measure, why_it_ended
from pdarts.tools.cost.stopwatch import STEPS, WARM_UP, Enough, Stopwatch, Together
from pdarts.tools.cost.timing import distinct, mixed_candidates
from pdarts.tools.cost.work import Size, Work
from tests.tools.cost.examples import search_work, training_work

CPU = Machine(device="cpu")
SMALL = Size(train=64, test=64, pixels=8, classes=3)


def tiny_search() -> Work:
    return search_work(
        size=SMALL, cells=1, channels=2, batch_size=2, candidates=["skip_connect", "max_pool_3x3"], operations=2
    )


@pytest.mark.parametrize(
    ("work", "kinds", "copies"),
    [
        (tiny_search(), {"evaluation", "weights_step", "joint_step"}, 2),
        (training_work(SMALL, cells=1, channels=2, batch_size=4, processes=2), {"evaluation", "train_step"}, 1),
    ],
    ids=["a search twice at once", "a training"],
)
def test_every_kind_of_step_is_timed(work: Work, kinds: set[str], copies: int) -> None:
    unit = measure(work, CPU, limit=60, patience=120, copies=copies)
    assert set(unit["timings"]) == kinds
    assert unit["not_measured"] == {}
    for timing in unit["timings"].values():
        assert timing["n"] == copies * STEPS
        assert 0 < timing["min"] <= timing["median"] <= timing["max"]
        assert timing["memory"] > 10_000_000
    assert {"torch", "commit", "device", "threads"} <= set(unit["provenance"])
    if work.step == "train":
        assert unit["weights_bytes"] > 10_000


def test_what_takes_too_long_is_given_up_and_said() -> None:
    unit = measure(tiny_search(), CPU, limit=60, patience=0.01)
    assert unit["timings"] == {}
    assert set(unit["not_measured"]) == {"evaluation", "weights_step", "joint_step"}
    assert set(unit["not_measured"].values()) == {"two iterations did not end within 0.01 seconds"}


def test_what_does_not_fit_into_memory_is_said_and_the_rest_is_tried() -> None:
    changes = {"resized_crop": [0.08, 1.0], "flip": True, "color_jitter": [0.4, 0.4, 0.4, 0.2]}
    huge = training_work(Size(64, 64, 8, classes=10**9), cells=1, batch_size=6, augmentation=changes)
    unit = measure(huge, Machine(device="cpu", workers=2), limit=1, patience=120)
    assert unit["not_measured"].keys() == {"evaluation", "train_step"}
    assert all(reason.startswith("memory ran out (") for reason in unit["not_measured"].values())
    decoding, in_order = unit["timings"]["decoding"], unit["timings"]["evaluation_decoding"]
    assert decoding["workers"] == 2
    assert 0 < decoding["median"] < in_order["median"]  # of 6 and of 256 images


def test_a_step_takes_as_long_as_the_slower_of_computing_and_decoding() -> None:
    changes = {"resized_crop": [0.08, 1.0], "flip": True, "color_jitter": [0.4, 0.4, 0.4, 0.2]}
    work = training_work(SMALL, epochs=1, batch_size=32, augmentation=changes)
    computing = {"median": 1.0, "first": 1.0}
    for decoding, seconds in ((0.5, 2.0), (3.0, 6.0), (None, None)):
        timings = {"train_step": computing} | ({"decoding": {"median": decoding}} if decoding else {})
        calibration = Calibration("CPU", "", {work.key: {"timings": timings}})
        assert calibration.seconds(work, work.counts()) == seconds


def compute(sending: Connection, together: Together, seconds: float) -> None:
    """Iterate until the stopwatch has enough, and send the first and last moment of an iteration that counts."""
    for _ in range(2):
        watch, moments = Stopwatch(torch.device("cpu"), 60, together), []
        with suppress(Enough):
            while True:
                time.sleep(seconds)
                moments.append(time.monotonic())
                watch.lap()
        sending.send((moments[WARM_UP] - seconds, moments[WARM_UP + STEPS - 1], moments[-1]))


def test_copies_are_timed_while_all_of_them_compute() -> None:
    context = multiprocessing.get_context("fork")
    together, receiving = Together(3, context), []
    for seconds in (0.01, 0.02, 0.05):
        ends = context.Pipe(duplex=False)
        receiving.append(ends[0])
        context.Process(target=compute, args=(ends[1], together, seconds), daemon=True).start()
    for _ in range(2):  # kinds of iterations
        spans = [end.recv() for end in receiving]
        first_counted, last_counted, last = zip(*spans, strict=True)
        assert max(first_counted) < min(last_counted)
        assert min(last) > max(last_counted) - 0.05  # the fast ones go on until the slow one has enough


def test_a_process_that_fails_is_not_taken_for_a_lack_of_memory() -> None:
    context = multiprocessing.get_context("fork")
    reasons = []
    for end in (lambda: None, lambda: os._exit(1), lambda: os.kill(os.getpid(), signal.SIGKILL)):
        process = context.Process(target=end)
        process.start()
        reasons.append(why_it_ended(process))
    assert reasons[:2] == ["", "its process failed, with the message above"]
    assert "most likely since memory ran out" in reasons[2]


def test_slow_steps_end_after_one_that_counts() -> None:
    watch = Stopwatch(torch.device("cpu"), limit=0)
    watch.lap()
    with pytest.raises(Enough):
        watch.lap()
    assert watch.result()["n"] == 1


def test_an_iteration_that_becomes_a_graph_counts_once_it_is_recorded() -> None:
    watch = Stopwatch(torch.device("cpu"), limit=0, recorded=True)
    for _ in range(EAGER_CALLS + 1):
        watch.lap()
    with pytest.raises(Enough):
        watch.lap()
    assert watch.result()["median"] == watch.seconds[-1]


def test_all_candidates_are_on_as_many_edges() -> None:
    candidates = mixed_candidates(CANDIDATES, 3)
    assert {len(set(names)) for names in candidates} == {3}
    counts = Counter(name for names in candidates for name in names)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_equal_work_is_timed_once_and_in_order() -> None:
    first, second, again = search_work(1), search_work(2), search_work(1, epochs=9)
    assert distinct([first, second, again]) == [first, second]
