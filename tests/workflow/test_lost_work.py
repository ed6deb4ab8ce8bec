"""What a run may do to work that is done: nothing that holds finished epochs is lost."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.workflow.test_bad_input import refused
from tests.workflow.tree import CONFIG, NOTHING, PROJECT, Tree

pytestmark = pytest.mark.workflow

FOLDER = "results/search/tiny/seed0"
STAGE = f"{FOLDER}/stage1.json"
FROZEN = "epochs: {}\n    frozen_epochs"


@pytest.fixture
def search(tree: Tree) -> Tree:
    """The small workflow, whose search has 12 epochs and is not done."""
    tree.edit(CONFIG, FROZEN.format(2), FROZEN.format(12))
    return tree


def started(tree: Tree, *until: str) -> tuple[subprocess.Popen[str], str]:
    """Start Snakemake and wait until it has said all of `until`; what it said."""
    command = [sys.executable, "-m", "snakemake", "--configfile", CONFIG, "--cores", "1", "--", STAGE]
    process = subprocess.Popen(command, cwd=tree.root, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    said = ""
    for text in until:
        while text not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
    return process, said


def interrupted(tree: Tree, *until: str) -> str:
    """Press Ctrl-C as soon as Snakemake has said all of `until`; all that was said."""
    process, said = started(tree, *until)
    os.killpg(process.pid, signal.SIGINT)
    said += process.communicate()[1]
    assert process.returncode != 0, said
    return said


def resumed(tree: Tree) -> list[int]:
    return [stop["epoch"] for stop in json.loads(tree.read(STAGE))["provenance"]["resumed"]]


def test_a_search_whose_settings_are_changed_and_changed_back_continues_where_it_was(search: Tree) -> None:
    interrupted(search, "| epoch 4/12")
    search.edit(CONFIG, FROZEN.format(12), FROZEN.format(13))
    said = interrupted(search, "settings.epochs is 12 there, 13 here", "| epoch 1/13")
    assert "kept but not used" in said
    search.edit(CONFIG, FROZEN.format(13), FROZEN.format(12))
    search.run("--", STAGE)
    assert len(resumed(search)) == 1
    assert resumed(search)[0] >= 4


def test_the_advice_to_continue_with_other_code_can_still_be_followed_later(search: Tree) -> None:
    interrupted(search, "| epoch 4/12")
    search.edit("pdarts/progressive/stage.py", "supernet.train()", "supernet.train(True)")
    interrupted(search, "machine.resume_other_code: true", "| epoch 1/12")
    search.edit(CONFIG, "machine:\n", "machine:\n  resume_other_code: true\n")
    search.run("--", STAGE)
    assert resumed(search)[0] >= 4


def test_a_step_that_outlives_its_snakemake_is_not_computed_again(search: Tree) -> None:
    search.edit(CONFIG, FROZEN.format(12), FROZEN.format(100))
    process, said = started(search, "| epoch 2/100")
    process.kill()  # and not the step
    again = search.snakemake("--nolock", "--", STAGE)
    assert again.returncode == 0, again.stdout
    assert "waiting for another process that computes it" in again.stdout
    assert "all epochs had run" in again.stdout
    assert "| epoch" not in again.stdout
    assert (said + process.communicate()[1]).count("| epoch") == 100
    assert resumed(search) == [100]


def test_a_finished_stage_keeps_its_resume_file_until_the_next_one_has_read_it(search: Tree) -> None:
    search.run("--", STAGE)
    (kept,) = (search.root / FOLDER).glob("*.resume-????????")
    assert kept.name == json.loads(search.read(STAGE))["provenance"]["resume_file"]
    (search.root / STAGE).unlink()
    begun = time.monotonic()
    search.run("--", STAGE)
    assert time.monotonic() - begun < 60
    assert resumed(search) == [12]
    search.run("--", f"{FOLDER}/genotype.json", "results/train/tiny/seed0/test.json")
    assert not list((search.root / "results").rglob("*.resume*"))


def test_files_from_outside_that_are_dated_in_the_future_are_refused_before_any_job(tree: Tree) -> None:
    own = tree.root / "own cells.json"
    own.write_bytes((PROJECT / "pdarts/genotypes/PDARTS.json").read_bytes())
    hour = time.time() + 3600
    os.utime(own, (hour, hour))
    training = '  own: {genotype: "own cells.json", dataset: tiny, recipe: tiny, seeds: [0]}\n'
    tree.edit(CONFIG, "trainings:\n", f"trainings:\n{training}")
    checkpoint = "checkpoints: {others: {file: others.pt, origin: here, genotype: PDARTS, dataset: tiny}}\n"
    tree.edit(CONFIG, "trainings:\n", f"{checkpoint}trainings:\n")
    refused(tree, "own cells.json is dated 0:59:", "touch 'own cells.json'", target="results/train/own/seed0/test.json")
    (tree.root / "others.pt").touch()
    os.utime(tree.root / "others.pt", (hour, hour))
    refused(tree, "others.pt is dated 0:59:", target="results/checkpoints/others/test.json")
    assert NOTHING in tree.snakemake().stdout  # nobody asks for them
