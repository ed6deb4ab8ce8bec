"""Finished results outlive a change of code that cannot have changed them, and say so."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from pdarts.nets import saved
from tests.workflow.tree import CONFIG, REPORT, SEARCH_CURVES, TARGET, TRACE, Tree

pytestmark = pytest.mark.workflow

REASON = "a local variable has another name"
STAGES = [f"results/search/tiny/seed0/stage{number}.json" for number in (1, 2, 3)]
WEIGHTS = "results/train/tiny/seed0/weights.pt"
TESTED = "results/train/tiny/seed0/test.json"


def rename_a_variable(tree: Tree) -> None:
    """In the supernet, which nothing but the search is made of."""
    name = "pdarts/nets/supernet.py"
    renamed = re.sub(r"\bbefore_previous\b", "older", tree.read(name))
    assert renamed != tree.read(name)
    tree.write(name, renamed)


def accept(tree: Tree, reason: str = REASON, target: str = TARGET) -> subprocess.CompletedProcess[str]:
    arguments = ("--configfile", CONFIG, "--target", *target.split(), "--reason", reason)
    return tree.python("-m", "pdarts.tools.accept", *arguments)


def commit(tree: Tree) -> str | None:
    """Put the tree under version control; None where there is no git."""
    if not shutil.which("git"):
        return None
    for arguments in (
        ("init", "--quiet"),
        ("add", "--all"),
        ("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", "Rename a variable"),
    ):
        subprocess.run(["git", *arguments], cwd=tree.root, check=True)
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=tree.root, text=True).strip()


def without_provenance(content: bytes) -> Any:
    return {key: value for key, value in json.loads(content).items() if "provenance" not in key}


def test_accepted_results_are_kept_and_say_why(tree: Tree) -> None:
    rename_a_variable(tree)
    assert tree.planned()["search"] == 3
    head, before, weights = commit(tree), tree.results(), saved.load(tree.root / WEIGHTS)
    state = weights["state"]

    done = accept(tree)
    assert done.returncode == 0, done.stdout
    after = tree.results()
    noted = {*STAGES, WEIGHTS, TESTED}
    assert {path for path in before if before[path] != after[path]} == noted
    for path in (*STAGES, TESTED):
        assert without_provenance(after[path]) == without_provenance(before[path])
    accepted = [json.loads(after[path])["provenance"]["accepted"] for path in (*STAGES, TESTED)]
    accepted.append(json.loads(after[TESTED])["training_provenance"]["accepted"])
    weights = saved.load(tree.root / WEIGHTS)
    accepted.append(weights["provenance"]["accepted"])
    for (entry,) in accepted:
        assert entry["reason"] == REASON
        assert (entry["commit"], entry["clean"]) == (head, None if head is None else True)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", entry["when"])
    assert state.keys() == weights["state"].keys()
    assert all(state[name].equal(tensor) for name, tensor in weights["state"].items())

    assert tree.run() == TRACE | SEARCH_CURVES | REPORT
    assert REASON in tree.read(TARGET)
    assert tree.run() == set()


def test_accepting_a_derivation_keeps_the_trained_weights_whatever_the_table(tree: Tree) -> None:
    tree.edit("pdarts/progressive/refinement.py", "SKIP] = 0.0", "SKIP] = 0")
    tree.edit(CONFIG, "title: Digits", "title: Real digits")
    (tree.root / TARGET).unlink()
    before = tree.results()
    assert accept(tree).returncode == 0
    assert tree.run() == TRACE | SEARCH_CURVES | REPORT
    after = tree.results()
    assert {path for path in before if path.endswith((".json", ".pt")) and before[path] != after[path]} == {
        WEIGHTS,
        TESTED,
    }


def test_a_change_of_a_setting_besides_is_refused(tree: Tree) -> None:
    rename_a_variable(tree)
    tree.edit(CONFIG, "skip_dropout: 0.4", "skip_dropout: 0.5")
    refused(tree, "more than code has changed", STAGES[1])


def test_missing_results_are_refused(tree: Tree) -> None:
    rename_a_variable(tree)
    (tree.root / TESTED).unlink()
    refused(tree, "results are missing", TESTED)


def test_an_empty_reason_is_refused(tree: Tree) -> None:
    rename_a_variable(tree)
    refused(tree, "--reason is empty", reason="  ")


def test_nothing_is_accepted_while_another_run_is_under_way(tree: Tree) -> None:
    rename_a_variable(tree)
    lock = tree.root / ".snakemake" / "locks" / "0.output.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(f"{STAGES[0]}\n")
    refused(tree, "locked")


def test_a_target_that_does_not_exist_is_refused(tree: Tree) -> None:
    refused(tree, "tables: there is no 'tinny'; did you mean 'tiny'?", target="results/tables/tinny.md")


def test_without_a_change_of_code_there_is_nothing_to_accept(tree: Tree) -> None:
    before = tree.stamps()
    done = accept(tree, target=f"{STAGES[0]} {WEIGHTS}")
    assert done.returncode == 0
    assert f"{STAGES[0]} {WEIGHTS}: nothing to accept" in done.stdout
    assert tree.stamps() == before


def refused(tree: Tree, *messages: str, **arguments: str) -> None:
    """Accepting ends with all of `messages`, no traceback and no change of anything."""
    before = tree.stamps()
    done = accept(tree, **arguments)
    assert done.returncode == 1, done.stdout
    assert done.stdout.startswith("error: ")
    assert "Traceback" not in done.stdout
    for message in messages:
        assert message in done.stdout
    assert tree.stamps() == before


def test_what_a_rehearsal_made_is_not_accepted(tree: Tree) -> None:
    result = json.loads(tree.read(TESTED))
    result["provenance"]["rehearsal"] = True
    tree.write(TESTED, json.dumps(result))
    tree.edit("pdarts/engine/testing.py", "BATCH_SIZE = 256", "BATCH_SIZE = 255")
    before = tree.results()
    done = accept(tree)
    assert done.returncode != 0
    assert f"{TESTED} was made in a rehearsal, so it is not a result; delete it and run its target" in done.stdout
    assert tree.results() == before
