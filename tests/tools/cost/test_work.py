"""How many steps a job has, and which work costs the same."""

from pathlib import Path

import pytest
import torch

from pdarts.checking import parse
from pdarts.data.batching import Batching
from pdarts.data.loaders import Loader
from pdarts.data.manifest import describe
from pdarts.data.split import Split
from pdarts.engine.journal import Journal
from pdarts.engine.loop import NetworkTraining, fit
from pdarts.engine.metrics import evaluate
from pdarts.engine.progress import Progress
from pdarts.engine.run import Run
from pdarts.engine.tracking import Tracker
from pdarts.nets.network import Network
from pdarts.progressive import stage as stage_module
from pdarts.progressive.stage import search_stage
from pdarts.settings.machine import Machine, Wandb
from pdarts.settings.recipes import Recipe
from pdarts.settings.searches import parse_stage
from pdarts.space.candidates import all_candidates
from pdarts.tools.cost.stopwatch import NoResumeFile
from pdarts.tools.cost.work import Size, size_of, work_of
from pdarts.tools.workflow import makers
from tests.configuration import CONFIG
from tests.genotypes import published
from tests.tools.cost.examples import prepare_job, search_job, search_work, training_work

CPU = torch.device("cpu")


class Counting(Journal):
    """A journal that counts steps, apart for epochs before and from `frozen` on."""

    def __init__(self, folder: Path, frozen: int = 0) -> None:
        super().__init__(folder / "m.jsonl", Tracker(Wandb(mode="disabled"), "", "", "", {}), Progress("", 1, 1))
        self.frozen, self.counts = frozen, {"frozen": 0, "moving": 0}

    def iteration(self, epoch: int, number: int, loss: torch.Tensor) -> None:
        self.counts["frozen" if epoch < self.frozen else "moving"] += 1


def noise(images: int) -> Split:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (images, 3, 8, 8), dtype=torch.uint8, generator=generator)
    return Split(pixels, torch.randint(10, (images,), generator=generator))


def test_a_stage_has_as_many_steps_as_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = search_work(
        size=Size(23, 5, 8, 10), cells=1, channels=2, batch_size=4, train_portion=0.4, epochs=3, frozen_epochs=1,
        scored_epochs=2, candidates=["none", "skip_connect", "max_pool_3x3"], operations=3,
    )  # fmt: skip
    stage = parse_stage(work.settings, "settings")
    batches = []

    def counted(logits_of, loader, device):  # type: ignore[no-untyped-def]
        listed = list(loader)
        batches.append(len(listed))
        return evaluate(logits_of, listed, device)

    monkeypatch.setattr(stage_module, "evaluate", counted)
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    first, second = (Loader(noise(n), Batching(stage.batch_size, stage.augmentation, CPU), mean, std) for n in (9, 14))
    journal = Counting(tmp_path, stage.frozen_epochs)
    run = Run(0, CPU, journal, NoResumeFile())
    search_stage(stage, all_candidates(stage.candidates), (first, second), 10, Machine(), run)
    counts = work.counts()
    assert counts["weights_step"] == journal.counts["frozen"] == 3
    assert counts["joint_step"] == journal.counts["moving"] == 6
    assert counts["evaluation"] == sum(batches) == 8


def test_a_training_has_as_many_steps_as_counted(tmp_path: Path) -> None:
    work = training_work(Size(23, 600, 8, 10), cells=1, channels=2, batch_size=4, epochs=2)
    recipe = parse(Recipe, work.settings, "settings")
    loader = Loader(noise(23), Batching(4, recipe.augmentation, CPU), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    journal = Counting(tmp_path)
    network = Network(published("PDARTS"), "cifar", 1, 2, 10, False)
    training = NetworkTraining(network, recipe, CPU, Machine())
    fit(training, loader, Run(0, CPU, journal, NoResumeFile()))
    assert work.counts() == {"train_step": journal.counts["moving"]} == {"train_step": 12}
    assert work.test_counts() == {"evaluation": 3}


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 50},
        {"frozen_epochs": 0},
        {"train_portion": 0.9},
        {"alphas_portion": 0.2},
        {"division": "by_class"},
        {"alphas_batches": "anew"},
        {"schedule": "linear"},
        {"warmup_epochs": 1},
    ],
)
def test_more_steps_are_no_other_steps(changes: dict[str, object]) -> None:
    assert search_work(**changes).key == search_work().key


@pytest.mark.parametrize("changes", [{"cells": 9}, {"channels": 8}, {"batch_size": 7}, {"method": "second_order"}])
def test_larger_steps_are_other_steps(changes: dict[str, object]) -> None:
    assert search_work(**changes).key != search_work().key


def test_larger_images_or_another_cell_make_other_steps() -> None:
    keys = {
        training_work().key,
        training_work(Size(1000, 500, 32, 10)).key,
        training_work(Size(1000, 500, 16, 100)).key,
    }
    assert len(keys) == 3
    assert training_work(Size(9, 9, 16, 10)).key == training_work().key


def test_a_dataset_that_is_not_prepared_has_the_size_of_its_source(tmp_path: Path) -> None:
    prepare = prepare_job(tmp_path)
    assert size_of(prepare.path("output"), makers([prepare])) == Size(1352, 445, 16, 10)


def test_the_manifest_decides_about_a_size(tmp_path: Path) -> None:
    prepare = prepare_job(tmp_path)
    path = prepare.path("output")
    path.parent.mkdir()
    some = CONFIG.datasets["digits"].model_copy(update={"train_images": 77})
    path.write_text(describe(some, Path("unused"), download=False).model_dump_json())
    assert size_of(path, makers([prepare])) == Size(77, 445, 16, 10)


def test_a_dataset_without_maker_or_manifest_has_no_known_size(tmp_path: Path) -> None:
    stage = search_job(tmp_path)
    assert work_of(stage, makers([stage])) is None
    prepare = prepare_job(tmp_path)
    assert work_of(stage, makers([stage, prepare])) is not None
