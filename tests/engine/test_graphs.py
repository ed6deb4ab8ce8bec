"""Replayed steps compute what the steps themselves compute; on a CPU, tapes take the place of CUDA graphs."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from pdarts.data.batching import Batching
from pdarts.data.loaders import Batch, Loader
from pdarts.engine import graphs
from pdarts.engine.graphs import Graphs, recorder
from pdarts.engine.journal import Journal
from pdarts.engine.loop import NetworkTraining, fit
from pdarts.engine.progress import Progress
from pdarts.engine.replays import agrees, changed_by
from pdarts.engine.resume_file import ResumeFile
from pdarts.engine.run import Run
from pdarts.engine.termination import PROCESS, RETRY
from pdarts.engine.tracking import Tracker
from pdarts.nets.execution import move_to_device
from pdarts.nets.network import Network
from pdarts.progressive.methods import darts
from pdarts.progressive.stage import search_stage
from pdarts.progressive.training import StageTraining
from pdarts.settings.machine import Machine, Wandb
from pdarts.settings.methods import METHODS
from pdarts.settings.searches import StageSettings
from pdarts.space.candidates import all_candidates
from tests.configuration import CONFIG
from tests.data.sources import load
from tests.engine.tape import Recorder
from tests.genotypes import published
from tests.searching import settings_of

CPU = torch.device("cpu")
MACHINE = Machine(kernels="torch")
FEW = ("skip_connect", "sep_conv_3x3", "max_pool_3x3", "none")
SEARCH = {"cells": 1, "channels": 4, "epochs": 6, "frozen_epochs": 1, "scored_epochs": 4, "batch_size": 16}
RECIPE = CONFIG.recipes["digits"].model_copy(
    update={"cells": 2, "channels": 2, "epochs": 5, "batch_size": 16, "drop_path": 0.3, "warmup_epochs": 2}
)
VARIANTS: dict[str, dict[str, Any]] = {
    **{method: {} for method in METHODS},
    "sdarts adversarial": {"perturbation": "adversarial"},
    "darts of two cells": {"cells": 2},
    "darts bfloat16": {"precision": "bfloat16"},
    "darts without dropout": {"skip_dropout": 0.0},
}
Course = tuple[list[dict[str, Any]], dict[str, Tensor]]


def stage(variant: str, **changes: Any) -> StageSettings:
    candidates = [name for name in FEW if name not in METHODS[variant.split()[0]].refused]
    few = {"candidates": candidates, "operations": len(candidates), "skip_dropout": 0.4}
    return settings_of(variant.split()[0], **SEARCH | few | VARIANTS[variant] | changes)


def loaders(folder: Path, batch_size: int) -> list[Loader]:
    """Two of 20 digits each, so that every second batch is smaller."""
    folder.mkdir(exist_ok=True)
    split = load("digits", folder, download=False).train
    batching = Batching(batch_size, RECIPE.augmentation, CPU)
    return [Loader(split.part(first, first + 20), batching, (0.3,) * 3, (0.4,) * 3) for first in (0, 20)]


def searched(settings: StageSettings, folder: Path, machine: Machine = MACHINE, stop_at: int = 0) -> Course:
    """Metrics and the final weights of operations; told to end at an iteration if `stop_at` names one."""
    images = loaders(folder, settings.batch_size)
    run = run_in(folder, settings.epochs, stop_at)
    found = search_stage(settings, all_candidates(settings.candidates), (images[0], images[1]), 10, machine, run)
    return metrics(folder), dict(found.weights)


def trained(folder: Path, machine: Machine = MACHINE, stop_at: int = 0) -> Course:
    """Metrics and the final state of a network, likewise."""
    images, _ = loaders(folder, RECIPE.batch_size)
    torch.manual_seed(0)
    network = Network(published("PDARTS"), "cifar", RECIPE.cells, RECIPE.channels, 10, False)
    move_to_device(network, CPU, "float32", machine)
    fit(NetworkTraining(network, RECIPE, CPU, machine), images, run_in(folder, RECIPE.epochs, stop_at))
    return metrics(folder), network.state_dict()


class Stopping(Journal):
    """Tells the process to end at an iteration."""

    stop_at = 0

    def iteration(self, epoch: int, number: int, loss: Tensor) -> None:
        super().iteration(epoch, number, loss)
        PROCESS.told |= 2 * epoch + number + 1 == self.stop_at


def run_in(folder: Path, epochs: int, stop_at: int) -> Run:
    tracker = Tracker(Wandb(mode="disabled"), "", "", "", {})
    journal = Stopping(folder / "metrics.jsonl", tracker, Progress("", epochs, 2))
    journal.stop_at = stop_at
    return Run(0, CPU, journal, ResumeFile(folder / "result", {}, other_code=False))


def metrics(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def assert_same(one: Course, other: Course) -> None:
    assert one[0] == other[0]
    assert [name for name, tensor in one[1].items() if not tensor.equal(other[1][name])] == []


@pytest.fixture
def tapes(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Let CPUs record steps too."""
    found = Recorder()
    monkeypatch.setitem(graphs.RECORDERS, "cpu", found)
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_search_of_replayed_steps_is_that_of_the_steps(variant: str, tmp_path: Path, tapes: Recorder, capfd) -> None:
    settings = stage(variant)
    plain = searched(settings, tmp_path / "plain", MACHINE.model_copy(update={"graphs": False}))
    assert tapes.replays == 0
    assert_same(searched(settings, tmp_path / "replayed"), plain)
    assert tapes.replays > settings.epochs
    assert capfd.readouterr().err.count("warning") == 0
    assert len({line["learning_rate"] for line in plain[0]}) == settings.epochs  # so these were not frozen


def test_a_training_of_replayed_steps_is_that_of_the_steps(tmp_path: Path, tapes: Recorder) -> None:
    plain = trained(tmp_path / "plain", MACHINE.model_copy(update={"graphs": False}))
    assert_same(trained(tmp_path / "replayed"), plain)
    assert tapes.replays > RECIPE.epochs - 1
    assert len({line["drop_path"] for line in plain[0]}) == RECIPE.epochs


@pytest.mark.parametrize("work", ["search", "training"])
def test_what_is_interrupted_between_replays_continues_to_the_same_bits(
    work: str, tmp_path: Path, tapes: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PROCESS, "told", False)
    course: Any = partial(searched, stage("darts")) if work == "search" else trained
    plain = course(tmp_path / "plain", MACHINE.model_copy(update={"graphs": False}))
    for stop_at in (7, 8):  # between replays, and in the first epoch of the second process
        with pytest.raises(SystemExit) as ended:
            course(tmp_path / "stopped", stop_at=stop_at)
        assert ended.value.code == RETRY
        PROCESS.told = False
    assert tapes.replays > 0
    assert_same(course(tmp_path / "stopped"), plain)


MADE_OF_NUMBERS = "aten.lift_fresh.default"
"""Operation that makes a tensor of numbers of Python, such as a list of indices, which would go to a GPU each time."""


class Stream(TorchDispatchMode):
    """Lists operations with all that is no tensor."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[tuple[str, str]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function.namespace == "aten":
            scalars = tree_map(lambda x: tuple(x.shape) if isinstance(x, Tensor) else x, (args, kwargs or {}))
            self.operations.append((str(function), repr(scalars)))
        return function(*args, **(kwargs or {}))


def batch(pixels: int) -> Batch:
    return torch.randn(2, 3, pixels, pixels), torch.arange(2)


def streams(begin_epoch: Callable[[int], None], update: Callable[[], Any]) -> list[list[tuple[str, str]]]:
    """The operations of an update in each of two epochs, behind a first one, in which optimizers make their state."""
    begin_epoch(0)
    update()
    found = []
    for epoch in (1, 3):
        begin_epoch(epoch)
        with Stream() as stream:
            update()
        found.append(stream.operations)
    return found


@pytest.mark.parametrize("operations", [4, 2])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_search_step_has_no_number_that_differs_between_epochs(variant: str, operations: int) -> None:
    settings = stage(variant, schedule="linear", epochs=8)
    candidates = all_candidates(settings.candidates[:operations])
    training = StageTraining(settings, candidates, 10, CPU, MACHINE)
    one, other = streams(training.begin_epoch, lambda: training.update(batch(8), batch(8)))
    assert one == other
    assert len(one) > 1000
    assert MADE_OF_NUMBERS not in dict(one)


def test_a_training_step_has_no_number_that_differs_between_epochs() -> None:
    recipe = RECIPE.model_copy(update={"auxiliary_weight": 0.4, "epochs": 8})
    for name in ("PDARTS", "FairDARTS_c"):
        network = Network(published(name), "cifar", 3, 2, 10, True)
        move_to_device(network, CPU, "float32", MACHINE)
        training = NetworkTraining(network, recipe, CPU, MACHINE)
        one, other = streams(training.begin_epoch, lambda training=training: training.update(*batch(32)))
        assert one == other
        assert MADE_OF_NUMBERS not in dict(one)


def test_numbers_of_python_that_differ_between_epochs_are_noticed() -> None:
    """This tests the tests above."""
    x, epochs = torch.ones(2), [0]
    one, other = streams(lambda epoch: epochs.append(epoch), lambda: x.mul_(1 + epochs[-1]))
    assert one != other
    one, _ = streams(lambda _: None, lambda: x[[0]])
    assert MADE_OF_NUMBERS in dict(one)


# What cannot be replayed


def doubling(total: Tensor) -> Callable[[Tensor], Tensor]:
    """A step that changes a tensor in place."""

    def step(x: Tensor) -> Tensor:
        total.add_(x.sum())
        return x * 2 + torch.rand(())

    return step


class Wrong(Recorder):
    """Replays something else."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place

    def record(self, step: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        outputs, replay = super().record(step)
        changed = (outputs, TOTAL)[self.place]

        def wrong() -> None:
            replay()
            changed.mul_(1.001)

        return outputs, wrong


class Failing(Recorder):
    """Cannot record."""

    def record(self, step: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        super().record(step)
        raise RuntimeError("operation not permitted when stream is capturing\nmore")


TOTAL = torch.zeros(())


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (Recorder(), None),
        (Wrong(0), "a replay computed something else"),
        (Wrong(1), "a replay computed something else"),
        (Failing(), "it could not be recorded (operation not permitted when stream is capturing)"),
    ],
)
def test_a_step_that_a_replay_does_not_repeat_is_computed_itself(recording: Any, reason: str | None, capfd) -> None:
    found = []
    for chosen in (None, recording):
        TOTAL.zero_()
        torch.manual_seed(0)
        step = Graphs("update", doubling(TOTAL), chosen, lambda: [TOTAL])
        outputs = [step(torch.full((size,), float(number))) for number in range(6) for size in (3, 2)]
        found.append([*outputs, TOTAL.clone()])
    assert all(one.equal(other) for one, other in zip(*found, strict=True))
    said = capfd.readouterr().err
    assert said.count("warning") == (reason is not None)
    if reason is not None:
        assert f"computes the update kernel by kernel, which takes longer, since {reason}; machine.graphs" in said
    assert (step.recorder is None) == (reason is not None)


def test_outputs_stay_what_they_were_when_the_step_is_replayed_again() -> None:
    step = Graphs("update", doubling(torch.zeros(())), Recorder())
    outputs = [step(torch.full((2,), float(number))) for number in range(8)]
    assert [int(x[0]) // 2 for x in outputs] == list(range(8))


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (lambda x: x * float(x.sum()), "aten._local_scalar_dense.default"),
        (lambda x: x[x > 0].sum() + x, "aten.index.Tensor"),
        (lambda x: x + x.equal(x), "aten.equal.default"),
    ],
)
def test_a_step_that_waits_for_the_device_is_not_recorded(read: Callable[[Tensor], Tensor], name: str, capfd) -> None:
    taping = Recorder()
    step = Graphs("update", read, taping)
    for _ in range(5):
        assert step(torch.ones(3)).equal(read(torch.ones(3)))
    assert taping.replays == 0
    assert f"since the host waits for {name}; machine.graphs: false" in capfd.readouterr().err


class Hasty(darts.Method):
    """A method of a user, which makes a number of Python of a tensor."""

    def alphas_penalty(self, parameters: Any, epoch: Tensor) -> float:
        return 0.01 * float(epoch)


def test_a_method_that_reads_numbers_on_the_host_gets_the_results_of_a_cpu(
    tmp_path: Path, tapes: Recorder, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pdarts.progressive.training.method_of", Hasty)
    settings = stage("darts", scored_epochs=0)
    plain = searched(settings, tmp_path / "plain", MACHINE.model_copy(update={"graphs": False}))
    assert_same(searched(settings, tmp_path / "tried"), plain)
    assert "computes the alphas' update kernel by kernel" in capfd.readouterr().err


class Remembering(darts.Method):
    """A method of a user with a moving average, which a replay would not move."""

    def __init__(self, settings: StageSettings, in_place: bool) -> None:
        super().__init__(settings)
        self.average, self.in_place = torch.zeros(()), in_place

    def alphas_penalty(self, parameters: Any, epoch: Tensor) -> Tensor:
        moved = self.average * 0.9 + parameters["alpha"]["normal"].detach().abs().sum()
        self.average = self.average.copy_(moved) if self.in_place else moved
        return self.average.clone()


@pytest.mark.parametrize("in_place", [True, False])
def test_a_method_that_keeps_a_state_gets_the_results_of_a_cpu(
    in_place: bool, tmp_path: Path, tapes: Recorder, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pdarts.progressive.training.method_of", partial(Remembering, in_place=in_place))
    settings = stage("darts", scored_epochs=0)
    plain = searched(settings, tmp_path / "plain", MACHINE.model_copy(update={"graphs": False}))
    assert_same(searched(settings, tmp_path / "tried"), plain)
    assert "computes the alphas' update kernel by kernel" in capfd.readouterr().err


@pytest.mark.parametrize("changes", [{"graphs": False}, {"recompute": True}])
def test_steps_are_recorded_unless_settings_forbid_it(changes: dict[str, Any], tapes: Recorder) -> None:
    assert recorder(CPU, MACHINE) is tapes
    assert recorder(CPU, MACHINE.model_copy(update=changes)) is None
    assert recorder(torch.device("meta"), MACHINE) is None


def test_a_replay_agrees_to_the_last_bit_where_the_step_repeats_and_nearly_where_it_does_not() -> None:
    before, step = [torch.zeros(3)], [torch.ones(3)]
    near, far = [torch.ones(3) + 1e-6], [torch.ones(3) + 0.1]
    assert agrees(step, step, step, before)
    assert not agrees(near, step, step, before)
    assert agrees(near, near, step, before)
    assert not agrees(far, near, step, before)


def test_an_update_changes_nothing_but_what_is_compared() -> None:
    settings = stage("pc_darts")
    training = StageTraining(settings, all_candidates(settings.candidates), 10, CPU, MACHINE)
    training.begin_epoch(1)
    training.update(batch(8), batch(8))
    listed = {id(tensor) for tensor in changed_by(training.parts())}
    held = [*training.supernet.parameters(), *training.supernet.buffers()]
    for optimizer in (training.weights_optimizer, training.alphas_optimizer):
        held += [value for of_one in optimizer.state.values() for value in of_one.values()]
    assert {tensor.untyped_storage().data_ptr() for tensor in held} == {
        tensor.untyped_storage().data_ptr() for tensor in changed_by(training.parts())
    }
    assert len(listed) == len(held)
