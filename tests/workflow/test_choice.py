"""One of several searches is chosen by training images alone, and every command knows of it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.data.folders import write_folder
from tests.workflow.tree import Tree

pytestmark = pytest.mark.workflow

MINE = "mine.yaml"
SEARCH = "results/search/mine"
CHOICE = f"{SEARCH}/chosen/choice.json"
GENOTYPE = f"{SEARCH}/chosen/genotype.json"
WEIGHTS = "results/train/mine/seed0/weights.pt"
TESTED = "results/train/mine/seed0/test.json"
TABLE = "results/tables/partial/mine.md"
VALIDATED = [f"results/train/mine-validation/seed{seed}/test.json" for seed in (0, 1)]

TEXT = """
datasets:
  photos:
    source: image_folder
    folder: photos
    image_size: 16
    in_memory: false
    train_images: null
    mean: [0.5, 0.5, 0.5]
    std: [0.3, 0.3, 0.3]
searches:
  mine:
    dataset: photos
    seeds: [0, 1]
    validation: short
    max_skips: null
    candidates: [max_pool_3x3, skip_connect]
    method: p_darts
    stem: cifar
    alphas_batches: passes
    train_portion: 0.75
    alphas_portion: null
    division: in_order
    epochs: 1
    frozen_epochs: 0
    scored_epochs: 0
    batch_size: 32
    processes: 1
    precision: float32
    weights: &sgd {learning_rate: 0.025, final_learning_rate: 0.0, momentum: 0.9, weight_decay: 0.0003, clip: 5.0}
    schedule: cosine
    warmup_epochs: 0
    alphas: {learning_rate: 0.6, betas: [0.5, 0.999], weight_decay: 0.001, clip: null}
    augmentation: &changes {resized_crop: [0.5, 1.0], flip: true, color_jitter: [0.0, 0.0, 0.0, 0.0]}
    stages: [{cells: 1, channels: 2, operations: 2, skip_dropout: 0.0}]
recipes:
  short: &short
    train_portion: 0.75
    stem: cifar
    cells: 1
    channels: 2
    auxiliary_weight: null
    drop_path: 0.0
    epochs: 1
    batch_size: 32
    processes: 1
    precision: float32
    optimizer: *sgd
    schedule: cosine
    warmup_epochs: 0
    label_smoothing: 0.0
    augmentation: *changes
  long: {<<: *short, train_portion: 1.0, epochs: 2}
trainings:
  mine: {genotype: {search: mine, seed: chosen}, dataset: photos, recipe: long, seeds: [0]}
tables:
  mine: {title: Photos, rows: [{architecture: Mine, training: mine}]}
machine: {device: cpu, workers: 0, wandb: {mode: disabled}}
"""


def snakemake(tree: Tree, *arguments: str) -> str:
    done = tree.python("-m", "snakemake", "--configfile", MINE, *arguments[:-1], "--", arguments[-1])
    assert done.returncode == 0, done.stdout
    return done.stdout


def planned(tree: Tree) -> set[str]:
    """Rules that a run for the test would run."""
    return set(re.findall(r"^(\w+) +\d+$", snakemake(tree, "--dry-run", TESTED), re.MULTILINE)) - {"total"}


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Two searches of which one was chosen while there were no test images, then retrained and tested."""
    tree = Tree.of_project(tmp_path_factory.mktemp("chosen"))
    tree.write(MINE, TEXT)
    photos = tree.root / "data/photos"
    write_folder(photos, train=40, val=8, scale=0.1)
    snakemake(tree, "results/data/photos.json")
    for path in ("val", "index/val.jsonl"):
        (photos / path).rename(tree.root / path.replace("/", "-"))
    snakemake(tree, WEIGHTS)
    for path in ("val", "index/val.jsonl"):
        (tree.root / path.replace("/", "-")).rename(photos / path)
    snakemake(tree, TESTED)
    return tree


@pytest.fixture
def copy(chosen: Tree, tmp_path: Path) -> Tree:
    return chosen.copy(tmp_path / "tree")


def test_the_choice_reads_held_out_training_images_and_no_others(chosen: Tree) -> None:
    choice = json.loads(chosen.read(CHOICE))
    tests = [json.loads(chosen.read(path)) for path in VALIDATED]
    assert choice["candidates"] == [{"seed": s, "top1": test["top1"], "images": 10} for s, test in enumerate(tests)]
    assert [test["images"] for test in tests] == [10, 10]
    best = max(choice["candidates"], key=lambda candidate: candidate["top1"])["seed"]
    assert choice["seed"] == best
    assert chosen.read(GENOTYPE) == chosen.read(f"{SEARCH}/seed{best}/genotype.json")


def test_the_table_says_which_seed_was_chosen_how_and_what_it_cost(copy: Tree) -> None:
    snakemake(copy, TABLE)
    text, choice = copy.read(TABLE), json.loads(copy.read(CHOICE))
    assert f"2 searches, of which that with seed {choice['seed']} was chosen, its genotype retrained once" in text
    assert "1 epoch on the first 30 training images, those that trained weights in the search" in text
    assert re.search(
        r"End to end: 2 × \(\d+ s for a search \+ \d+ s for its validation\) \+ \d+ s for a retraining = ", text
    )
    assert re.search(r"2 × \(\d+ s \+ \d+ s\)", text)


def test_the_plan_counts_every_validation(copy: Tree) -> None:
    always = ("-m", "pdarts.tools.plan", "--configfile", MINE, "--target", TESTED)
    assert "Nothing is pending." in copy.python(*always).stdout
    ledger = [line.split() for line in copy.python(*always, "--ledger").stdout.splitlines()]
    assert [line[2:4] for line in ledger if line[:2] == ["train", "mine-validation"]] == [["train", "2"], ["test", "2"]]
    copy.edit(MINE, "  short: &short\n    train_portion: 0.75", "  short: &short\n    train_portion: 0.75 ")
    copy.edit(
        MINE,
        "    epochs: 1\n    batch_size: 32\n    processes: 1\n    precision: float32\n    optim",
        "    epochs: 3\n    batch_size: 32\n    processes: 1\n    precision: float32\n    optim",
    )
    planned = [line.split() for line in copy.python(*always).stdout.splitlines()]
    assert ["train", "mine-validation", "train", "2"] in [line[:4] for line in planned]
    assert not [line for line in planned if line[:1] == ["search"]]


def test_a_choice_comes_in_from_elsewhere_if_it_is_the_same_here(copy: Tree) -> None:
    elsewhere = copy.root / "elsewhere"
    shutil.move(copy.root / "results", elsewhere)
    bring = ("-m", "pdarts.tools.bring", "--configfile", MINE, "--source", str(elsewhere), "--target")
    done = copy.python(*bring, TESTED)
    assert "not brought in" not in done.stdout
    for path in (*VALIDATED, CHOICE, GENOTYPE, WEIGHTS, TESTED):
        assert f"  {path}\n" in done.stdout

    for path in (CHOICE, GENOTYPE):
        (copy.root / path).unlink()
    choice = json.loads((elsewhere / "search/mine/chosen/choice.json").read_text())
    choice["seed"] = 1 - choice["seed"]
    (elsewhere / "search/mine/chosen/choice.json").write_text(json.dumps(choice))
    done = copy.python(*bring, GENOTYPE)
    assert f"{GENOTYPE}: its seed is {choice['seed']}, here it is {1 - choice['seed']}" in done.stdout


def test_a_further_search_that_is_not_chosen_retrains_nothing_if_the_choice_comes_first(copy: Tree) -> None:
    seed = json.loads(copy.read(CHOICE))["seed"]
    copy.edit(MINE, "seeds: [0, 1]", f"seeds: [{seed}]")
    snakemake(copy, GENOTYPE)
    choice = json.loads(copy.read(CHOICE))
    assert (choice["seed"], choice["candidates"]) == (seed, [])
    assert planned(copy) == set()


def test_accepting_keeps_the_choice(copy: Tree) -> None:
    copy.edit("pdarts/progressive/choice.py", "candidates = []", "candidates = list()")
    always = ("--configfile", MINE, "--target", TESTED, "--reason", "an empty list")
    done = copy.python("-m", "pdarts.tools.accept", *always)
    assert done.returncode == 0, done.stdout
    assert f"  {CHOICE}\n  {GENOTYPE}\n" in done.stdout
    (entry,) = json.loads(copy.read(CHOICE))["provenance"]["accepted"]
    assert entry["reason"] == "an empty list"
    assert planned(copy) == set()
