"""Only what is invalid runs again: edits of a finished workflow, and the jobs that they bring about."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflow.tree import (
    CONFIG,
    DERIVE_AND_LATER,
    DRAW,
    NOTHING,
    PROJECT,
    REPORT,
    SEARCH,
    SEARCH_CURVES,
    TARGET,
    TEST,
    TRACE,
    TRAINING_CURVES,
    Tree,
)

pytestmark = pytest.mark.workflow


def change_code(tree: Tree, name: str) -> None:
    """Add a statement to a module."""
    tree.write(name, tree.read(name) + "\nREVISION = 2\n")


def test_a_setting_of_stage_2_reruns_stages_2_and_3_and_what_follows(tree: Tree) -> None:
    tree.edit(CONFIG, "skip_dropout: 0.4", "skip_dropout: 0.5")
    assert tree.run() == SEARCH - {"search/tiny/seed0/stage1"} | TRACE | SEARCH_CURVES | DERIVE_AND_LATER
    assert tree.run() == set()


def test_max_skips_reruns_derive_and_what_follows(tree: Tree) -> None:
    tree.edit(CONFIG, "max_skips: 2", "max_skips: 1")
    assert tree.run() == TRACE | SEARCH_CURVES | DERIVE_AND_LATER
    assert tree.run() == set()


def test_a_new_seed_adds_its_own_jobs_and_what_shows_all_seeds(tree: Tree) -> None:
    before = tree.results()
    tree.edit(CONFIG, "seeds: [0]\n    max_skips", "seeds: [0, 1]\n    max_skips")
    tree.edit(CONFIG, "recipe: tiny\n    seeds: [0]", "recipe: tiny\n    seeds: [0, 1]")
    one_seed = SEARCH | TRACE | SEARCH_CURVES | DERIVE_AND_LATER - TRAINING_CURVES - REPORT
    shared = {"search/tiny/curves"} | TRAINING_CURVES | REPORT
    assert tree.run() == {job.replace("seed0", "seed1") for job in one_seed} | shared
    after = tree.results()
    assert [path for path in before if "seed0" in path and before[path] != after[path]] == []
    assert tree.run() == set()


def test_editing_the_test_step_reruns_test_and_table(tree: Tree) -> None:
    tree.edit("pdarts/engine/testing.py", "BATCH_SIZE = 256", "BATCH_SIZE = 128")
    assert tree.run() == TEST | REPORT
    assert tree.run() == set()


def test_the_code_beside_the_workflow_counts_whatever_package_is_installed(tree: Tree) -> None:
    change_code(tree, "pdarts/test.py")
    snakemake = Path(sys.executable).with_name("snakemake")  # to this command its own folder comes first, not ours
    command = [snakemake, "--configfile", CONFIG, "--dry-run", "--", TARGET]
    done = subprocess.run(
        command,
        cwd=tree.root,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "Test tiny, seed 0" in done.stdout


def test_a_container_of_the_same_software_reruns_nothing(tree: Tree, tmp_path: Path) -> None:
    apptainer = tmp_path / "bin/apptainer"
    apptainer.parent.mkdir()
    apptainer.write_text("#!/bin/sh\necho apptainer version 1.3.0\n")
    apptainer.chmod(0o755)
    command = ["-m", "snakemake", "--configfile", CONFIG, "--sdm", "apptainer", "--dry-run", "--", TARGET]
    done = tree.python(*command, PATH=f"{apptainer.parent}:{os.environ['PATH']}")
    assert NOTHING in done.stdout, done.stdout


def test_editing_the_refinement_reruns_no_search_stage(tree: Tree) -> None:
    change_code(tree, "pdarts/progressive/refinement.py")
    assert tree.run() == TRACE | SEARCH_CURVES | DERIVE_AND_LATER
    assert tree.run() == set()


def test_editing_the_method_of_a_search_reruns_it_and_what_follows(tree: Tree) -> None:
    change_code(tree, "pdarts/progressive/methods/p_darts.py")
    later = ("trace", "search_curves", "derive", "train", "test", "draw", "training_curves", "report")
    assert tree.planned() == {"search": 3} | dict.fromkeys(later, 1)


@pytest.mark.parametrize("method", ["pc_darts", "beta_darts"])
def test_editing_a_method_that_no_search_names_reruns_nothing(tree: Tree, method: str) -> None:
    change_code(tree, f"pdarts/progressive/methods/{method}.py")
    assert tree.planned() == {}


def test_editing_what_all_figures_share_reruns_figures_and_table_alone(tree: Tree) -> None:
    change_code(tree, "pdarts/reporting/figures.py")
    assert tree.run() == DRAW | SEARCH_CURVES | TRAINING_CURVES | REPORT
    assert tree.run() == set()


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("reporting/page.py", {"report": 1}),
        ("reporting/cell_drawing.py", {"draw": 1, "report": 1}),
        ("reporting/curve_figures.py", {"search_curves": 1, "training_curves": 1, "report": 1}),
        ("reporting/templates/table.html.j2", {"report": 1}),
    ],
)
def test_editing_a_report_module_reruns_what_it_makes(tree: Tree, module: str, rules: dict[str, int]) -> None:
    change_code(tree, f"pdarts/{module}")
    assert tree.planned() == rules


def say_the_same_otherwise(tree: Tree) -> None:
    """A comment, a docstring, line breaks, parentheses and quotes, in code that a search or derivation is made of."""
    refinement = "pdarts/progressive/refinement.py"
    tree.edit("pdarts/progressive/stage.py", "    weights_images, ", "    # both of real images\n    weights_images, ")
    tree.edit(refinement, '"""From architecture weights', '"""How architecture weights turn in')
    tree.edit("pdarts/space/operations.py", 'SKIP = "skip_connect"', "SKIP = (\n    'skip_connect'\n)")


def change_the_machine(tree: Tree) -> None:
    """More threads, a device by name, shared GPUs, other W&B settings, no downloads, moved data, more memory."""
    tree.edit("config.yaml", "short: {memory: 2000, minutes: 20}", "short: {memory: 3000, minutes: 30}")
    tree.edit(CONFIG, "  threads: 1\n", "  threads: 2\n  device: cpu\n  steps_per_gpu: 2\n  download: false\n")
    tree.edit(CONFIG, "{mode: disabled}", "{mode: online, project: another, directory: elsewhere}")
    tree.write(CONFIG, tree.read(CONFIG) + "  data_roots: {digits: elsewhere/digits}\n")


def change_what_touches_no_result(tree: Tree) -> None:
    """Code of tracking, of progress, of messages."""
    for module in ("engine/tracking.py", "engine/progress.py", "engine/step.py", "errors.py"):
        change_code(tree, f"pdarts/{module}")


def touch_everything(tree: Tree) -> None:
    """New times for all results and sources."""
    for folder in ("results", "pdarts", "rules"):
        for path in sorted((tree.root / folder).rglob("*")):
            os.utime(path)


def edit_and_revert(tree: Tree) -> None:
    """A setting and a statement that were otherwise for a while."""
    for name, old, new in (
        (CONFIG, "skip_dropout: 0.4", "skip_dropout: 0.5"),
        ("pdarts/engine/testing.py", "BATCH_SIZE = 256", "BATCH_SIZE = 128"),
    ):
        tree.edit(name, old, new)
        tree.edit(name, new, old)


def change_what_the_table_does_not_use(tree: Tree) -> None:
    """Another recipe, another dataset, another table."""
    tree.edit(CONFIG, "drop_path: 0.2", "drop_path: 0.3")
    tree.edit("config.yaml", "title: P-DARTS on UCI handwritten digits", "title: Another")
    tree.edit("config.yaml", "mean: [0.3049, 0.3049, 0.3049]", "mean: [0.3, 0.3, 0.3]")


HARMLESS = (
    say_the_same_otherwise,
    change_the_machine,
    change_what_touches_no_result,
    touch_everything,
    edit_and_revert,
    change_what_the_table_does_not_use,
)


@pytest.mark.parametrize("change", HARMLESS)
def test_nothing_reruns(tree: Tree, change: Callable[[Tree], None]) -> None:
    change(tree)
    assert tree.planned() == {}


def test_nothing_reruns_after_all_of_it_in_earnest(tree: Tree) -> None:
    before = tree.results()
    for change in HARMLESS:
        change(tree)
    assert tree.run() == set()
    assert tree.results() == before


def test_a_manifest_that_is_there_needs_no_download(tree: Tree) -> None:
    manifest = "results/data/cifar10.json"
    tree.write(manifest, "{}")
    assert tree.snakemake("--touch", "--", manifest).returncode == 0
    assert NOTHING in tree.snakemake("--dry-run", "--", manifest).stdout
