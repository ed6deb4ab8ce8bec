"""A rehearsal runs every rule in a folder of its own, and no result is touched or taken for one."""

import re
import subprocess
from pathlib import Path

import pytest

from tests import warm
from tests.configuration import ROOT
from tests.test_rehearsal import OVERLAYS
from tests.workflow.tree import Tree

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The project with a rehearsal set up in it."""
    tree = Tree.of_project(tmp_path_factory.mktemp("project"))
    done = tree.python("-m", "pdarts.tools.rehearse", "--folder", "rehearsal")
    assert done.returncode == 0, done.stdout
    return tree


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [warm.python(), "-m", "snakemake", "--cores", "1", *arguments]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


@pytest.mark.parametrize("overlays", OVERLAYS.values(), ids=list(OVERLAYS))
def test_every_rule_runs(tree: Tree, overlays: list[str]) -> None:
    rules = set(re.findall(r"^rule (\w+):", "".join(map(Path.read_text, (ROOT / "rules").glob("*.smk"))), re.MULTILINE))
    assert len(rules) > 10
    commands = re.findall(r"^\tsnakemake (.+) --configfile \$\(1\)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(commands) == 2
    done = snakemake(tree.root / "rehearsal", "-n", *" ".join(commands).split(), "--configfile", *overlays)
    assert done.returncode == 0, done.stdout
    planned = set(re.findall(r"^(\w+) +\d+$", done.stdout, re.MULTILINE))
    assert rules - planned == set()


def test_nothing_outside_of_its_folder_changes(tree: Tree) -> None:
    def files() -> dict[Path, int]:
        paths = [path for path in tree.root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        return {path: path.stat().st_mtime_ns for path in paths if not path.is_relative_to(tree.root / "rehearsal")}

    before = files()
    targets = ["results/data/cifar100.json", "results/random/seed0/genotype.json"]
    done = snakemake(tree.root / "rehearsal", *targets, "--configfile", "rules/rehearsal.yaml")
    assert done.returncode == 0, done.stdout
    assert (tree.root / "rehearsal" / targets[0]).exists()
    assert files() == before


def test_neither_config_is_taken_in_the_folder_of_the_other(tree: Tree) -> None:
    done = snakemake(tree.root / "rehearsal", "-n", "paper")
    assert done.returncode != 0
    assert "this folder is a rehearsal's; add --configfile rules/rehearsal.yaml, or go to" in done.stdout
    done = snakemake(tree.root, "-n", "paper", "--configfile", "rules/rehearsal.yaml")
    assert done.returncode != 0
    assert "rehearsal is true, but this folder is not set up for one" in done.stdout


def test_it_is_not_set_up_where_results_are(tree: Tree) -> None:
    done = tree.python("-m", "pdarts.tools.rehearse", "--folder", ".")
    assert done.returncode != 0
    assert "--folder is ., which holds results that are not a rehearsal's; allowed: a new folder" in done.stdout
    assert not (tree.root / "results" / "REHEARSAL").exists()


def test_its_results_are_not_brought_in(tree: Tree) -> None:
    done = tree.python("-m", "pdarts.tools.bring", "--source", "rehearsal/results", "--target", "table2")
    assert done.returncode != 0
    assert "rehearsal/results holds a rehearsal, of which nothing is a result" in done.stdout
