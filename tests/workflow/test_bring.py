"""Results of another machine come in if they are what this config asks for, and are refused by name if not."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pdarts.nets import saved
from tests.workflow.tree import CONFIG, DRAW, REPORT, SEARCH_CURVES, TARGET, TRACE, TRAINING_CURVES, Tree

pytestmark = pytest.mark.workflow

STAGES = [f"results/search/tiny/seed0/stage{number}.json" for number in (1, 2, 3)]
GENOTYPE = "results/search/tiny/seed0/genotype.json"
WEIGHTS = "results/train/tiny/seed0/weights.pt"
TESTED = "results/train/tiny/seed0/test.json"
MANIFEST = "results/data/tiny.json"
ALL = [MANIFEST, *STAGES, GENOTYPE, WEIGHTS, TESTED]


@pytest.fixture
def elsewhere(tree: Tree, tmp_path: Path) -> Path:
    """The finished results in another folder; the tree has none, nor records of any."""
    folder = tmp_path / "elsewhere"
    shutil.move(tree.root / "results", folder)
    shutil.rmtree(tree.root / ".snakemake")
    return folder


def bring(tree: Tree, source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    always = ("--configfile", CONFIG, "--target", TARGET, "--source", str(source))
    return tree.python("-m", "pdarts.tools.bring", *always, *arguments)


def edit(path: Path, **changes: object) -> None:
    """Change keys of a JSON file; `provenance` is merged."""
    value = json.loads(path.read_text())
    if "provenance" in changes:
        changes["provenance"] = {**value["provenance"], **changes["provenance"]}  # type: ignore[dict-item]
    path.write_text(json.dumps(value | changes))


def refusal(tree: Tree, source: Path, path: str) -> str:
    """Why `path` was not brought in."""
    done = bring(tree, source)
    assert done.returncode == 0, done.stdout
    assert not (tree.root / path).exists()
    (line,) = (line for line in done.stdout.splitlines() if line.strip().startswith(f"{path}: "))
    return line


def test_what_fits_is_up_to_date_and_says_where_it_came_from(tree: Tree, elsewhere: Path) -> None:
    done = bring(tree, elsewhere)
    assert done.returncode == 0, done.stdout
    assert "not brought in" not in done.stdout
    for path in ALL:
        assert f"  {path}\n" in done.stdout
    assert tree.run() == TRACE | SEARCH_CURVES | TRAINING_CURVES | DRAW | REPORT
    notes = [json.loads(tree.read(path))["provenance"]["brought"] for path in (*STAGES, TESTED)]
    notes.append(json.loads(tree.read(TESTED))["training_provenance"]["brought"])
    notes.append(saved.load(tree.root / WEIGHTS)["provenance"]["brought"])
    assert {entry["from"] for (entry,) in notes} == {str(elsewhere)}
    assert tree.run() == set()
    assert "nothing pending" in bring(tree, elsewhere).stdout


def test_another_setting_is_refused_and_what_was_made_of_it(tree: Tree, elsewhere: Path) -> None:
    tree.edit(CONFIG, "skip_dropout: 0.4", "skip_dropout: 0.5")
    reason = refusal(tree, elsewhere, STAGES[1])
    assert "skip_dropout is 0.4, here it is 0.5" in reason
    assert (tree.root / STAGES[0]).exists()
    assert f"it needs {STAGES[1]}" in refusal(tree, elsewhere, STAGES[2])
    assert f"it needs {GENOTYPE}" in refusal(tree, elsewhere, WEIGHTS)


def test_another_seed_is_refused(tree: Tree, elsewhere: Path) -> None:
    edit(elsewhere / "search/tiny/seed0/stage1.json", provenance={"seed": 5})
    assert "its seed is '5', here it is '0'" in refusal(tree, elsewhere, STAGES[0])


def test_what_a_rehearsal_made_is_refused(tree: Tree, elsewhere: Path) -> None:
    edit(elsewhere / "search/tiny/seed0/stage1.json", provenance={"rehearsal": True})
    assert "it was made in a rehearsal, so it is not a result" in refusal(tree, elsewhere, STAGES[0])


def test_a_result_of_other_inputs_is_refused(tree: Tree, elsewhere: Path) -> None:
    edit(elsewhere / "search/tiny/seed0/stage1.json", seconds=0.5)
    assert f"digest of its input --previous ({STAGES[0]})" in refusal(tree, elsewhere, STAGES[1])


def test_a_genotype_that_was_not_derived_so_is_refused(tree: Tree, elsewhere: Path) -> None:
    shutil.copy(tree.root / "pdarts/genotypes/PDARTS.json", elsewhere / "search/tiny/seed0/genotype.json")
    assert "its genotype is" in refusal(tree, elsewhere, GENOTYPE)


def test_a_training_of_another_genotype_is_refused(tree: Tree, elsewhere: Path) -> None:
    tree.edit(CONFIG, "genotype: {search: tiny, seed: each}", "genotype: DARTS_V2")
    assert "its genotype: " in refusal(tree, elsewhere, WEIGHTS)


def test_a_test_of_other_weights_is_refused(tree: Tree, elsewhere: Path) -> None:
    path = elsewhere / "train/tiny/seed0/test.json"
    trained = json.loads(path.read_text())["training_provenance"]
    edit(path, training_provenance=trained | {"started": "2020-01-01T00:00:00+00:00"})
    assert "started of the training that it tested" in refusal(tree, elsewhere, TESTED)


def test_a_search_that_was_cut_short_is_refused(tree: Tree, elsewhere: Path) -> None:
    metrics = elsewhere / "search/tiny/seed0/stage1.metrics.jsonl"
    metrics.write_text(metrics.read_text().splitlines(keepends=True)[0])
    assert "number of epochs in its metrics is 1, here it is 2" in refusal(tree, elsewhere, STAGES[0])


def test_half_a_job_is_refused(tree: Tree, elsewhere: Path) -> None:
    (elsewhere / "train/tiny/seed0/metrics.jsonl").unlink()
    assert "metrics.jsonl is missing" in refusal(tree, elsewhere, WEIGHTS)


def test_a_broken_file_is_refused(tree: Tree, elsewhere: Path) -> None:
    path = elsewhere / "train/tiny/seed0/weights.pt"
    path.write_bytes(path.read_bytes()[:1000])
    assert "not a whole weights file" in refusal(tree, elsewhere, WEIGHTS)


def test_other_code_needs_a_reason_which_is_kept(tree: Tree, elsewhere: Path) -> None:
    name = "pdarts/progressive/schedule.py"
    tree.write(name, tree.read(name) + "\nUNUSED = 1\n")
    assert "made by other code of pdarts.search" in refusal(tree, elsewhere, STAGES[0])
    shutil.rmtree(tree.root / "results")
    done = bring(tree, elsewhere, "--reason", "an unused constant")
    assert done.returncode == 0, done.stdout
    (entry,) = json.loads(tree.read(STAGES[0]))["provenance"]["brought"]
    assert entry["reason"] == "an unused constant"
    (entry,) = json.loads(tree.read(TESTED))["provenance"]["brought"]
    assert "reason" not in entry
    assert tree.run() == TRACE | SEARCH_CURVES | TRAINING_CURVES | DRAW | REPORT


def test_what_lies_here_is_never_overwritten(tree: Tree, elsewhere: Path) -> None:
    own = tree.root / STAGES[0]
    for path in (own, own.with_suffix(".metrics.jsonl")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    before = own.read_text()
    done = bring(tree, elsewhere)
    assert f"  {STAGES[0]}: there is one here, which is out of date" in done.stdout
    assert own.read_text() == before


def test_where_the_disk_is_full_nothing_comes_in(tree: Tree, elsewhere: Path) -> None:
    kilobytes = (elsewhere / "train/tiny/seed0/weights.pt").stat().st_size // 1024 - 1
    call = ["-m", "pdarts.tools.bring", "--configfile", CONFIG, "--target", TARGET, "--source", str(elsewhere)]
    limited = ["bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "bash", sys.executable, *call]
    done = subprocess.run(limited, cwd=tree.root, capture_output=True, text=True, check=False)
    assert f"error: {WEIGHTS}: File too large; free space" in done.stderr
    assert tree.results() == {}


def test_nothing_comes_in_while_another_run_is_under_way(tree: Tree, elsewhere: Path) -> None:
    (tree.root / ".snakemake" / "locks").mkdir(parents=True)
    (tree.root / ".snakemake" / "locks" / "0.output.lock").write_text(f"{STAGES[0]}\n")
    done = bring(tree, elsewhere)
    assert done.returncode == 1
    assert "lock" in done.stdout
    assert tree.results() == {}


def test_its_own_results_are_no_source(tree: Tree) -> None:
    done = bring(tree, tree.root / "results")
    assert done.returncode == 1
    assert "error: --source is" in done.stdout
