"""What a user gets wrong ends before any job runs, in one message; what is finished stays as it is."""

import json
import os
from pathlib import Path

import pytest

from tests.genotypes import published
from tests.workflow.tree import CONFIG, TARGET, Tree

pytestmark = pytest.mark.workflow


def refused(tree: Tree, *messages: str, target: str = TARGET) -> None:
    """A run ends with all of `messages`, no traceback, no job and no change of any result."""
    before = tree.stamps()
    done = tree.snakemake("--", target)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    assert "rule " not in done.stdout
    for message in messages:
        assert message in done.stdout
    assert tree.stamps() == before


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        (
            "skip_dropout: 0.4",
            "skip_droput: 0.4",
            ["searches.tiny.stages[1].skip_droput: unknown key; did you mean 'skip_dropout'?"],
        ),
        (
            "{learning_rate: 0.0006,",
            "{learning_rate: 6e-4,",
            ["searches.tiny.alphas.learning_rate is '6e-4'; allowed: a valid number", "write 0.0006"],
        ),
        (
            "{search: tiny,",
            "{search: tinny,",
            ["trainings.tiny.genotype.search is 'tinny', which does not exist; did you mean 'tiny'?"],
        ),
        (
            "genotype: {search: tiny, seed: each}",
            "genotype: PDART",
            [
                "trainings.tiny.genotype is 'PDART', but this is not a published cell, and there is no such file; ",
                "PDARTS",
            ],
        ),
        (
            "train_portion: 0.5",
            "train_portion: 0.01",
            ["searches.tiny, on dataset tiny: train_portion is 0.01, which leaves none of 96 training images to train"],
        ),
        ("title: Digits", "title: [Digits", ["error: tiny.yaml, line 68: not YAML (expected"]),
    ],
)
def test_a_config_that_cannot_be_is_refused(tree: Tree, old: str, new: str, messages: list[str]) -> None:
    tree.edit(CONFIG, old, new)
    refused(tree, *messages)


CELL = json.dumps(published("PDARTS").to_json())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CELL.replace('["dil_conv_5x5", 4]', '["dil_conv_5x5", 6]'), "normal[7]: source 6 does not come before node 5"),
        (CELL[:-2], "mine.json: not a genotype file: it has no Genotype(normal=…), and is not JSON either: Expecting"),
    ],
)
def test_a_genotype_file_that_is_none_is_refused(tree: Tree, content: str, message: str) -> None:
    tree.write("mine.json", content)
    tree.edit(CONFIG, "genotype: {search: tiny, seed: each}", "genotype: mine.json")
    refused(tree, "trainings.tiny.genotype: mine.json", message)


@pytest.mark.parametrize(
    ("target", "messages"),
    [
        ("results/search/tinny/seed0/genotype.json", ["searches: there is no 'tinny'; did you mean 'tiny'?"]),
        ("results/search/tiny/seed0/stage4.json", ["searches.tiny has no stage 4; allowed: 1 to 3"]),
        ("results/tables/tinny.md", ["tables: there is no 'tinny'; did you mean 'tiny'?", "demo"]),
    ],
)
def test_a_target_that_does_not_exist_is_refused(tree: Tree, target: str, messages: list[str]) -> None:
    refused(tree, *messages, target=target)


def test_results_that_are_no_folder_are_refused(tree: Tree) -> None:
    (tree.root / "results").rename(tree.root / "kept")
    (tree.root / "results").touch()
    refused(tree, f"{tree.root / 'results'} is not a folder that can be written; move it away")
    assert (tree.root / "kept" / Path(TARGET).relative_to("results")).is_file()


def test_results_that_cannot_be_written_are_refused(tree: Tree) -> None:
    (tree.root / "results").chmod(0o500)
    if os.access(tree.root / "results", os.W_OK):
        pytest.skip("nothing keeps this user, who may be root, from writing")
    refused(tree, f"{tree.root / 'results'} is not a folder that can be written; move it away or change its")
    (tree.root / "results").chmod(0o700)


def test_a_step_that_fails_shows_its_message_and_leaves_all_other_results(tree: Tree) -> None:
    manifest = json.loads(tree.read("results/data/tiny.json"))
    manifest["splits"]["train"]["digest"] = "0"
    tree.write("results/data/tiny.json", json.dumps(manifest))
    before = tree.results()
    done = tree.snakemake()
    assert done.returncode == 1
    assert "error: digits: the train images in data/digits are not those of the manifest (96 images with" in done.stdout
    assert "Traceback" not in done.stdout
    after = tree.results()
    assert {path for path in before if after.get(path) != before[path]} == {
        "results/search/tiny/seed0/stage1.json",
        "results/search/tiny/seed0/stage1.metrics.jsonl",
    }
