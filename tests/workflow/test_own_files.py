"""The user's own operations, methods and schedules in the workflow: who is made of them, and what is refused."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.own import FILES, HALVING
from tests.workflow.test_bad_input import refused
from tests.workflow.tree import CONFIG, NOTHING, TARGET, Tree

pytestmark = pytest.mark.workflow

SEARCH = """\
  {name}:
    dataset: tiny
    seeds: [0]
    max_skips: null
    candidates: [none, skip_connect, {candidate}]
    method: {method}
    stem: cifar
    alphas_batches: passes
    train_portion: 0.5
    alphas_portion: null
    division: in_order
    epochs: 1
    frozen_epochs: 0
    scored_epochs: 0
    batch_size: 32
    processes: 1
    precision: float32
    weights: {{learning_rate: 0.025, final_learning_rate: 0.0, momentum: 0.9, weight_decay: 0.0003, clip: 5.0}}
    schedule: cosine
    warmup_epochs: 0
    alphas: {{learning_rate: 0.0006, betas: [0.5, 0.999], weight_decay: 0.001, clip: 5.0}}
    augmentation: {{crop_padding: 1, flip: false, cutout: 0}}
    stages:
      - {{cells: 1, channels: 2, operations: 3, skip_dropout: 0.0}}
"""

TRAININGS = """\
trainings:
  doubled:
    genotype: {search: doubled, seed: 0}
    dataset: tiny
    recipe: tiny
    changes: {epochs: 1}
    seeds: [0]
  halving:
    genotype: PDARTS
    dataset: tiny
    recipe: tiny
    changes: {epochs: 1, schedule: halving}
    seeds: [0]
"""

OF_DOUBLED = {
    "Search doubled, seed 0: stage 1",
    "Derive genotype of doubled, seed 0",
    "Train doubled, seed 0",
    "Test doubled, seed 0",
}
OF_BOUNDED = {"Search bounded, seed 0: stage 1", "Derive genotype of bounded, seed 0"}
OF_HALVING = {"Train halving, seed 0", "Test halving, seed 0"}
TARGETS = (
    "results/train/doubled/seed0/test.json",
    "results/train/halving/seed0/test.json",
    "results/search/bounded/seed0/genotype.json",
    TARGET,
)


@pytest.fixture(scope="module")
def extended(finished: Tree, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A finished workflow in which a search has an operation of its own, one a method, and a training a schedule.

    What else is finished there has none of them. Tests put back what they edit.
    """
    tree = finished.copy(tmp_path_factory.mktemp("extended") / "tree")
    for name, text in FILES.items():
        tree.write(name, text)
    searches = SEARCH.format(name="doubled", method="p_darts", candidate="doubled")
    searches += SEARCH.format(name="bounded", method="bounded", candidate="sep_conv_3x3")
    searches = searches.replace("method: bounded", "method: bounded\n    bound: 0.5")
    tree.edit(CONFIG, "searches:\n", f"extensions: [{', '.join(FILES)}]\nsearches:\n{searches}")
    tree.edit(CONFIG, "trainings:\n", TRAININGS)
    tree.edit(CONFIG, "{mode: offline}", "{mode: disabled}")
    tree.run("--", *TARGETS)
    return tree


def outdated(tree: Tree) -> set[str]:
    """The jobs that a run would have, as they call themselves."""
    done = tree.snakemake("--dry-run", "--", *TARGETS)
    assert done.returncode == 0, done.stdout
    jobs = re.findall(r"^Job \d+: (.+)$", done.stdout, re.MULTILINE)
    assert jobs or NOTHING in done.stdout
    return set(jobs)


@contextmanager
def edited(tree: Tree, name: str, old: str, new: str) -> Iterator[None]:
    before = tree.read(name)
    tree.edit(name, old, new)
    try:
        yield
    finally:
        tree.write(name, before)


def test_what_is_finished_stays_finished_when_files_are_named_that_it_does_not_use(extended: Tree) -> None:
    assert outdated(extended) == set()


@pytest.mark.parametrize(
    ("name", "jobs"), [("doubled.py", OF_DOUBLED), ("bounded.py", OF_BOUNDED), ("halving.py", OF_HALVING)]
)
def test_editing_a_file_reruns_what_uses_it_and_nothing_else(extended: Tree, name: str, jobs: set[str]) -> None:
    with edited(extended, name, '"""A', '"""Like any other, a'):
        assert outdated(extended) == jobs
    assert outdated(extended) == set()


def test_a_method_of_the_users_own_decides_how_its_stages_are_derived(extended: Tree) -> None:
    """A derivation is made of the method's file, even where a search's results are up to date."""
    done = extended.snakemake("--dry-run", "--forceall", "--printshellcmds", "--", *TARGETS[:3])
    commands = re.findall(r"^Shell command: # code (\w+)\n(.+)$", done.stdout, re.MULTILINE)
    derivations = {re.search(r"--output (\S+)", command)[1]: code for code, command in commands if ".derive" in command}  # type: ignore[index]
    assert len(set(derivations.values())) == len(derivations) == 2


def test_results_are_timed_and_accepted_with_them(extended: Tree, tmp_path: Path) -> None:
    tree = extended.copy(tmp_path / "tree")
    always = ("--configfile", CONFIG, "--target", "results/search/doubled/seed0/stage1.json")
    tree.edit("doubled.py", '"""A user', '"""The user')
    timed = tree.python("-m", "pdarts.tools.calibrate", *always, "--limit", "0.01")
    assert timed.returncode == 0, timed.stdout
    assert "joint_step: " in timed.stdout
    accepted = tree.python("-m", "pdarts.tools.accept", *always, "--reason", "a docstring")
    assert "accepted as they are:\n  results/search/doubled/seed0/stage1.json" in accepted.stdout, accepted.stdout
    assert "Search doubled, seed 0: stage 1" not in outdated(tree)


@pytest.mark.parametrize(
    ("named", "files", "message"),
    [
        ("[min.py]", {}, "error: extensions: min.py cannot be read (No such file or directory); name a Python file"),
        (
            "[mine.py]",
            {"mine.py": "\nimport nowhere\n"},
            "error: extensions: mine.py:2: ModuleNotFoundError: No module",
        ),
        ("mine.py", {}, "error: config: extensions is 'mine.py'; allowed: a "),
        ("[halving.py, halving.py]", {"halving.py": HALVING}, "extensions: 'halving.py' is listed twice"),
    ],
    ids=["missing", "error", "no list", "twice"],
)
def test_files_that_cannot_be_are_refused_before_any_job(
    tree: Tree, named: str, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        tree.write(name, text)
    tree.edit(CONFIG, "searches:\n", f"extensions: {named}\nsearches:\n")
    refused(tree, message)


@pytest.mark.parametrize("name", ["search", "paper"])
def test_a_table_named_like_a_rule_is_refused(tree: Tree, name: str) -> None:
    tree.edit(CONFIG, "tables:\n  tiny:", f"tables:\n  {name}:")
    refused(tree, f"error: tables.{name}: this is the name of a rule, so it cannot be")


def test_the_name_of_a_table_is_a_target(tree: Tree) -> None:
    tree.edit(CONFIG, "tables:\n  tiny:", "tables:\n  my-flowers.v2:")
    listed = tree.snakemake("--list-target-rules").stdout
    assert "my-flowers.v2" in listed.splitlines()
    assert "rule my-flowers.v2:" in tree.snakemake("--dry-run", "--", "my-flowers.v2").stdout


def test_a_misspelt_target_ends_with_the_nearest_ones(tree: Tree) -> None:
    done = tree.snakemake("--dry-run", "--", "tiney")
    assert done.returncode != 0
    said = done.stdout.splitlines()[-1]
    assert said.startswith("error: 'tiney' is neither a target nor a file that a rule makes; did you mean 'tiny'? (")


def test_where_the_files_lie_is_said_relative_to_the_folder_of_the_call(tree: Tree) -> None:
    Path(tree.root, "of mine").mkdir()
    tree.write("of mine/halving.py", HALVING)
    tree.edit(CONFIG, "searches:\n", "extensions: [of mine/halving.py]\nsearches:\n")
    tree.edit(CONFIG, "recipe: tiny\n    seeds", "recipe: tiny\n    changes: {schedule: halving}\n    seeds")
    assert tree.run("--", "results/train/tiny/seed0/weights.pt") == {"train/tiny/seed0/train"}
