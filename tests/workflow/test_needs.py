"""What jobs need, and how several processes are started."""

import pytest

from pdarts.errors import InputError
from pdarts.settings.machine import Machine
from pdarts.workflow.needs import Needs, launch, needs_of
from tests.configuration import CONFIG

MACHINE = CONFIG.machine


def test_a_training_on_several_gpus_needs_all_that_its_processes_need() -> None:
    request = CONFIG.requests.datasets["imagenet"]["train"]
    assert needs_of(CONFIG, "train", {"training": "published-on-imagenet", "seed": "0"}) == Needs(
        processes=8,
        threads=8 * (MACHINE.threads + MACHINE.workers),
        gpus=8,
        memory=request.memory,
        minutes=request.minutes,
    )


def test_a_search_decodes_two_sets_of_images() -> None:
    threads = needs_of(CONFIG, "search", {"search": "pc-darts-imagenet"}).threads
    assert threads == 8 * (MACHINE.threads + 2 * MACHINE.workers)
    assert needs_of(CONFIG, "search", {"search": "digits"}).threads == MACHINE.threads


def test_images_in_memory_are_verified_by_workers_and_then_need_none() -> None:
    imagenet = CONFIG.datasets["imagenet"].model_copy(update={"in_memory": True})
    config = CONFIG.model_copy(update={"datasets": {"imagenet": imagenet}, "machine": Machine(workers=3)})
    assert needs_of(config, "prepare", {"dataset": "imagenet"}).threads == 3
    assert needs_of(config, "train", {"training": "published-on-imagenet"}).threads == 8


@pytest.mark.parametrize(("step", "longer"), [("train", 1), ("test", 2)])
def test_a_second_attempt_has_more_memory_and_unless_it_continues_more_time(step: str, longer: int) -> None:
    first, second, third = (needs_of(CONFIG, step, {"training": "digits"}, attempt) for attempt in (1, 2, 3))
    assert (second.memory, second.minutes) == (2 * first.memory, longer * first.minutes)
    assert third == second


def test_small_steps_need_little() -> None:
    needs = needs_of(CONFIG, "draw", {"training": "digits", "seed": "0"})
    assert (needs.gpus, needs.memory, needs.threads) == (0, CONFIG.requests.short.memory, MACHINE.threads)


def test_a_name_that_is_not_declared_is_refused() -> None:
    with pytest.raises(InputError, match="trainings: there is no 'digit'; did you mean 'digits'"):
        needs_of(CONFIG, "train", {"training": "digit"})


def test_processes_are_spread_over_the_nodes_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    assert launch(1) == "python -m"
    assert launch(4) == "torchrun --standalone --nproc-per-node 4 -m"
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "2")
    monkeypatch.setenv("SLURM_JOB_ID", "12345")
    assert "--nnodes 2 --nproc-per-node 2 --rdzv-backend c10d --rdzv-id 12345" in launch(4)
    with pytest.raises(InputError, match="processes is 3, but this SLURM job has 2 nodes; ask for a number of nodes"):
        launch(3)
