"""The best of several random cells is chosen by short trainings on training images, and every command knows of it."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.workflow.tree import CONFIG, Tree

pytestmark = pytest.mark.workflow

SEARCH = "results/random_search/drawn"
CHOICE, GENOTYPE = f"{SEARCH}/seed1/choice.json", f"{SEARCH}/seed1/genotype.json"
DRAWS = [f"{SEARCH}/draw{draw}/genotype.json" for draw in (2, 3)]
SCORES = [f"results/train/drawn-draws/seed{draw}/test.json" for draw in (2, 3)]
TESTED = "results/train/mine/seed1/test.json"
TABLE = "results/tables/mine.md"
BEHIND = ("--configfile", CONFIG, "--target", TABLE)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A random search with seed 1, whose cell is retrained, in a table."""
    tree = Tree.of_project(tmp_path_factory.mktemp("drawn"))
    tree.edit(CONFIG, "  unused:\n", "  short: {<<: *recipe, train_portion: 0.75, epochs: 1}\n  unused:\n")
    tree.edit(
        CONFIG,
        "trainings:\n",
        "random_searches:\n  drawn: {dataset: tiny, draws: 2, max_skips: 2, recipe: short}\ntrainings:\n"
        "  mine: {genotype: {random_search: drawn, seed: each}, dataset: tiny, recipe: tiny, seeds: [1]}\n",
    )
    tree.edit(CONFIG, "tables:\n", "tables:\n  mine: {title: T, rows: [{architecture: Best, training: mine}]}\n")
    tree.edit(CONFIG, "{mode: offline}", "{mode: disabled}")
    snakemake(tree, TABLE)
    return tree


@pytest.fixture
def copy(finished: Tree, tmp_path: Path) -> Tree:
    return finished.copy(tmp_path / "tree")


def snakemake(tree: Tree, *targets: str) -> None:
    done = tree.snakemake("--", *targets)
    assert done.returncode == 0, done.stdout


def printed(tree: Tree, tool: str, *arguments: str) -> str:
    done = tree.python("-m", f"pdarts.tools.{tool}", *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_table_says_what_was_drawn_how_it_was_chosen_and_what_it_cost(finished: Tree) -> None:
    text, scores = finished.read(TABLE), [json.loads(finished.read(path)) for path in SCORES]
    best = max(scores, key=lambda score: score["top1"])
    assert finished.read(GENOTYPE) == finished.read(DRAWS[scores.index(best)])
    assert (
        "1 random search (seed 1, named beforehand), its genotype retrained once; accuracy on held-out training "
        f"images: {best['top1']:.2f} % with seed 1" in text
    )
    assert "Search: the best of 2 random cells, each trained once, 2 cells, 2 channels, 1 epoch on the first 72" in text
    assert "training images, and scored on the other 24; on a tie the first draw; no test image is read" in text
    assert re.search(r"End to end: 2 × .+ for a short training and its test \+ .+ for a retraining = ", text)
    records = [score[key] for score in scores for key in ("provenance", "training_provenance")]
    (row,) = csv.DictReader(io.StringIO(finished.read(TABLE.replace(".md", ".csv"))))
    assert float(row["search_seconds"]) == pytest.approx(sum(record["cpu_seconds"] for record in records))
    assert "train/drawn-draws/curves.svg" in finished.read(TABLE.replace(".md", ".html"))


def test_on_a_tie_the_first_draw_is_chosen(copy: Tree) -> None:
    for path in SCORES:
        copy.write(path, json.dumps(json.loads(copy.read(path)) | {"top1": 60.0}))
    snakemake(copy, GENOTYPE)
    choice = json.loads(copy.read(CHOICE))
    assert choice["seed"] == 2
    assert choice["candidates"] == [{"seed": draw, "top1": 60.0, "images": 24} for draw in (2, 3)]
    assert copy.read(DRAWS[1]) != copy.read(DRAWS[0]) == copy.read(GENOTYPE)


def test_the_plan_and_the_ledger_count_every_short_training(copy: Tree) -> None:
    ledger = [line.split() for line in printed(copy, "plan", *BEHIND, "--ledger").splitlines()]
    assert [line[2:4] for line in ledger if line[:2] == ["train", "drawn-draws"]] == [["train", "2"], ["test", "2"]]
    copy.edit(CONFIG, "draws: 2", "draws: 3")  # seed 1 has draws 3, 4 and 5 then
    planned = [line.split() for line in printed(copy, "plan", *BEHIND).splitlines()]
    pending = [(line[2], line[3], line[-1]) for line in planned if line[:2] == ["train", "drawn-draws"]]
    assert pending == [("train", "2", "recorded"), ("test", "2", "recorded")]
    assert [line[-2] for line in planned if line[:2] == ["Best", "mine"]] == ["6"]  # with the retraining and its test


def test_results_come_in_from_elsewhere_if_they_are_drawn_and_chosen_so_here(copy: Tree) -> None:
    elsewhere = copy.root / "elsewhere"
    shutil.move(copy.root / "results", elsewhere)
    bring = ("--source", str(elsewhere), *BEHIND)
    text = printed(copy, "bring", *bring)
    assert "not brought in" not in text
    assert {*DRAWS, *SCORES, CHOICE, GENOTYPE, TESTED} <= set(re.findall(r"^  (.+)$", text, re.MULTILINE))

    for path in (CHOICE, GENOTYPE):
        (copy.root / path).unlink()
    choice = elsewhere / "random_search/drawn/seed1/choice.json"
    chosen = json.loads(choice.read_text())
    choice.write_text(json.dumps(chosen | {"seed": 5 - chosen["seed"]}))
    text = printed(copy, "bring", *bring)
    assert f"{GENOTYPE}: its seed is {5 - chosen['seed']}, here it is {chosen['seed']}" in text


def test_what_no_training_asks_for_any_more_is_listed(copy: Tree) -> None:
    assert "everything in results/ belongs" in printed(copy, "tidy", "--configfile", CONFIG)
    copy.edit(CONFIG, "seeds: [1]}", "seeds: [0]}")
    listed = re.findall(r"^  (results/.+)$", printed(copy, "tidy", "--configfile", CONFIG), re.MULTILINE)
    assert {*DRAWS, *SCORES, CHOICE, GENOTYPE, TESTED} <= {*listed}
    assert not [path for path in listed if not re.search(r"/(seed[123]|draw[23])/", path)]
    copy.edit(CONFIG, "random_searches:\n  drawn:", "random_searches:\n  other:")
    copy.edit(CONFIG, "{random_search: drawn,", "{random_search: other,")
    listed = re.findall(r"^  (results/.+)$", printed(copy, "tidy", "--configfile", CONFIG), re.MULTILINE)
    assert "results/train/drawn-draws/curves.svg" in listed
