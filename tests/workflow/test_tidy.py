"""Only what no entry of the config makes is listed, and deleted only if asked."""

import re
import subprocess

import pytest

from tests.workflow.tree import CONFIG, Tree

pytestmark = pytest.mark.workflow


def tidy(tree: Tree, *arguments: str) -> subprocess.CompletedProcess[str]:
    return tree.python("-m", "pdarts.tools.tidy", "--configfile", CONFIG, *arguments)


def listed(text: str) -> set[str]:
    return set(re.findall(r"^  (results/.+)$", text, re.MULTILINE))


def everything(tree: Tree) -> set[str]:
    return {path.relative_to(tree.root).as_posix() for path in (tree.root / "results").rglob("*") if path.is_file()}


def test_all_results_of_a_finished_workflow_belong(finished: Tree) -> None:
    before = everything(finished)
    assert "everything in results/ belongs" in tidy(finished, "--delete").stdout
    assert everything(finished) == before


def test_a_stage_and_a_table_that_are_gone_from_the_config_go(tree: Tree) -> None:
    tree.edit(CONFIG, "      - {cells: 3, channels: 2, operations: 2, skip_dropout: 0.7}\n", "")
    tree.edit(CONFIG, "tables:\n  tiny:", "tables:\n  other:")
    before = everything(tree)
    done = tidy(tree)
    assert everything(tree) == before
    unreferenced = listed(done.stdout)
    assert unreferenced == {
        path for path in before if re.search(r"stage3\.|tables/tiny\.", path) and "wandb" not in path
    }
    assert "--delete removes them" in done.stdout
    assert tidy(tree, "--delete").returncode == 0
    assert everything(tree) == before - unreferenced


def test_resume_files_go_when_their_step_has_finished_and_half_files_of_killed_steps(tree: Tree) -> None:
    folder = "results/search/tiny/seed0"
    done = {f"{folder}/stage2.json.resume-3f9a20c1{end}" for end in ("", ".before", ".failed")}
    done |= {f"{folder}/stage2.json.resume-lock", f"{folder}/.stage3.json.resume-3f9a20c1.123.part"}
    pending = {f"{folder}/stage3.json.resume-3f9a20c1{end}" for end in ("", ".before", ".failed")}
    for path in done | pending:
        tree.write(path, "")
    (tree.root / folder / "stage3.json").unlink()
    assert listed(tidy(tree).stdout) == done


def test_nothing_is_deleted_while_a_run_is_under_way(tree: Tree) -> None:
    stray = tree.root / "results" / "train" / "gone" / "seed0" / "weights.pt"
    stray.parent.mkdir(parents=True)
    stray.touch()
    lock = tree.root / ".snakemake" / "locks" / "0.output.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    assert "a run is under way" in tidy(tree, "--delete").stdout
    assert stray.exists()
    lock.unlink()
    assert tidy(tree, "--delete").returncode == 0
    assert not stray.parent.parent.exists()
