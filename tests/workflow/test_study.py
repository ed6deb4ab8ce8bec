"""A study goes on where git stands: in a fresh clone without weights, whatever code made its results."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.data.folders import write_folder
from tests.workflow.tree import Tree

pytestmark = pytest.mark.workflow

TESTED = "results/train/tiny/seed0/test.json"


@pytest.fixture
def study(tree: Tree) -> Tree:
    """A study's folder in a clone: its results that are text, of no use dates, and no records of Snakemake."""
    folder = tree.root / "studies" / "tiny"
    folder.mkdir(parents=True)
    own = yaml.safe_load(tree.read("tiny.yaml"))
    requests = yaml.safe_load(tree.read("config.yaml"))["requests"]
    values = {**own, "checkpoints": {}, "requests": {**requests, "datasets": {}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    for path in (tree.root / "results").rglob("*"):
        if path.suffix in (".json", ".jsonl") and path.relative_to(tree.root).parts[1] in ("data", "search", "train"):
            copy = folder / path.relative_to(tree.root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
            os.utime(copy, (1, 1))
    shutil.rmtree(tree.root / ".snakemake")
    return Tree(folder)


def run(study: Tree, *options: str) -> subprocess.CompletedProcess[str]:
    project = Tree(study.root.parents[1])
    return project.python("-m", "pdarts.tools.study", "--folder", "studies/tiny", *options)


def planned(study: Tree) -> dict[str, int]:
    """Count the jobs of each rule that would run."""
    done = run(study, "--dry-run")
    assert done.returncode == 0, done.stdout
    if "finished, 0 missing" in done.stdout:
        return {}
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)}


def change(study: Tree, path: str, edit: Callable[[Any], object]) -> None:
    """Edit the values of a JSON or YAML file."""
    values = yaml.safe_load(study.read(path))
    edit(values)
    study.write(path, json.dumps(values))


def test_what_git_has_is_finished_and_only_what_is_missing_runs(study: Tree) -> None:
    assert planned(study) == {}
    before = (study.root / TESTED).read_bytes()
    (study.root / TESTED).unlink()
    assert planned(study) == {"train": 1, "test": 1, "total": 2}
    done = run(study)
    assert done.returncode == 0, done.stdout
    assert "2 of 2 steps (100%) done" in done.stdout
    again = json.loads((study.root / TESTED).read_bytes())
    assert again["top1"] == json.loads(before)["top1"]
    assert planned(study) == {}


def test_a_search_that_is_missing_runs_with_all_that_is_made_of_it(study: Tree) -> None:
    (study.root / "results/search/tiny/seed0/stage2.json").unlink()
    assert planned(study) == {"search": 2, "derive": 1, "train": 1, "test": 1, "total": 5}


def test_small_files_that_are_missing_are_made_again_and_nothing_that_follows_from_them(study: Tree) -> None:
    paths = [study.root / "results" / name for name in ("data/tiny.json", "search/tiny/seed0/genotype.json")]
    before = [path.read_bytes() for path in paths]
    paths[0].unlink()
    assert run(study).stdout.count("1 of 1 steps (100%) done") == 1
    paths[1].unlink()
    done = run(study)
    assert done.stdout.count("1 of 1 steps (100%) done") == 1
    assert "finished, 0 missing" in done.stdout
    assert [path.read_bytes() for path in paths] == before


def test_tables_are_not_made_of_results_that_cannot_be_checked(study: Tree) -> None:
    (study.root / "results/search/tiny/seed0/stage1.json").unlink()
    done = run(study, "--tables")
    assert done.returncode == 1
    assert "results/search/tiny/seed0/stage2.json is there, but not all that it was made of" in done.stdout


def test_older_code_makes_nothing_pending(study: Tree) -> None:
    change(study, TESTED, lambda test: test["provenance"].update(code="0123456789abcdef"))
    stage = "results/search/tiny/seed0/stage1.json"
    change(study, stage, lambda found: found["provenance"].update(code="0123456789abcdef"))
    assert planned(study) == {}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            lambda values: values["recipes"]["tiny"].update(drop_path=0.25),
            "results/train/tiny/seed0/metrics.jsonl: its settings: drop_path is 0.1, here it is 0.25",
        ),
        (
            lambda values: values["searches"]["tiny"].update(epochs=3),
            "results/search/tiny/seed0/stage1.metrics.jsonl: its settings: epochs is 2, here it is 3",
        ),
        (
            lambda values: values["datasets"]["tiny"].update(train_images=95),
            "results/data/tiny.json: its settings: train_images is 96, here it is 95",
        ),
    ],
)
def test_results_of_other_settings_are_refused_by_name(study: Tree, edit: Callable[[Any], object], said: str) -> None:
    change(study, "config.yaml", edit)
    done = run(study)
    assert done.returncode == 1
    assert said in done.stdout
    assert "take back what has changed there, or delete the files" in done.stdout
    assert len(re.findall(r"^  results/", done.stdout, re.MULTILINE)) == 1


def test_metrics_that_belong_to_another_result_are_refused(study: Tree) -> None:
    def said(metrics: Path, text: str) -> str:
        before = metrics.read_text()
        metrics.write_text(text)
        done = run(study, "--dry-run")
        metrics.write_text(before)
        assert done.returncode == 1
        return done.stdout

    trained = study.root / "results/train/tiny/seed0/metrics.jsonl"
    lines = trained.read_text().splitlines()
    name = "results/train/tiny/seed0/metrics.jsonl: "
    assert f"{name}its number of epochs in its metrics is 1, here it is 2" in said(trained, lines[0] + "\n")
    assert f"{name}line 2 of its metrics is not the JSON" in said(trained, lines[0] + "\n" + lines[1][:-1])
    assert f"{name}its epoch in line 1 of its metrics is 2, here it is 1" in said(trained, "\n".join(lines[::-1]))
    searched = study.root / "results/search/tiny/seed0/stage1.metrics.jsonl"
    first, last = map(json.loads, searched.read_text().splitlines())
    other = "\n".join(map(json.dumps, (last | {"epoch": 1}, first | {"epoch": 2})))
    assert "end with other architecture weights" in said(searched, other)


def test_the_cell_of_a_test_is_compared(study: Tree) -> None:
    def other_cell(test: Any) -> None:
        found = test["genotype"]["normal"][0]
        found[0] = "avg_pool_3x3" if found[0] == "max_pool_3x3" else "max_pool_3x3"

    change(study, TESTED, other_cell)
    assert "has another cell than results/search/tiny/seed0/genotype.json" in run(study, "--dry-run").stdout


def test_git_keeps_the_texts_of_a_study_and_what_it_is_made_of(study: Tree) -> None:
    root = study.root.parents[1]
    kept = ["cells/mine.json", "operation.py", "config.yaml", "README.md", "tables/tiny.html", "results/data/tiny.json"]
    kept += ["results/train/a.b/seed0/test.json", "results/train/a.b/seed0/metrics.jsonl"]
    kept += ["results/search/a.b/seed0/stage1.json", "results/random_search/r/seed0/choice.json"]
    kept += ["results/checkpoints/theirs/test.json"]
    dropped = ["Snakefile", "pdarts", "data", "results/train/a.b/seed0/weights.pt", "results/train/a/curves.svg"]
    dropped += ["results/logs/x.log", "results/search/a/seed0/trace.jsonl", ".snakemake/log/1.log"]
    dropped += ["results/search/a/seed0/stage1.json.resume-1234abcd"]
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    names = "\n".join(f"studies/tiny/{name}" for name in kept + dropped)
    asked = subprocess.run(["git", "check-ignore", "--stdin"], cwd=root, input=names, capture_output=True, text=True)
    assert asked.stdout.splitlines() == [f"studies/tiny/{name}" for name in dropped]


def test_tables_come_from_the_results_alone(study: Tree) -> None:
    (study.root / "results/train/tiny").rename(study.root / "aside")
    done = run(study, "--tables")
    assert done.returncode == 0, done.stdout
    shutil.copytree(study.root / "aside", study.root / "results/train/tiny", dirs_exist_ok=True)
    done = run(study, "--tables")
    assert done.returncode == 0, done.stdout
    texts = {form: study.read(f"tables/tiny.{form}") for form in ("md", "csv", "tex", "html")}
    assert "| P-DARTS | tiny |" in " ".join(texts["md"].split())
    assert re.search(r"\| P-DARTS \| 0 \| \d+ of \d+ \|", " ".join(texts["md"].split()))
    assert texts["html"].count("<svg") >= 3
    assert run(study, "--tables").returncode == 0
    assert {form: study.read(f"tables/tiny.{form}") for form in texts} == texts


def test_images_that_have_no_index_here_are_verified_against_the_manifest(study: Tree) -> None:
    """A clone has the manifest of a folder of images, and its user has the images."""
    write_folder(study.root / "data" / "photos", train=96, val=8, scale=0.1)

    def photos(values: Any) -> None:
        values["datasets"]["tiny"] |= {
            "source": "image_folder", "folder": "photos", "image_size": 16, "in_memory": True,
        }  # fmt: skip

    change(study, "config.yaml", photos)
    shutil.rmtree(study.root / "results")
    manifest = "results/data/tiny.json"
    assert run(study, "--target", manifest).returncode == 0
    index = study.root / "data" / "photos" / "index"
    shutil.rmtree(index)
    stage = "results/search/tiny/seed0/stage1.json"
    done = run(study, "--target", stage)
    assert done.returncode == 0, done.stdout
    assert (index / "train.jsonl").exists()
    shutil.rmtree(index)
    next((study.root / "data" / "photos" / "val").rglob("*.jpg")).unlink()
    done = run(study, "--target", stage)
    assert done.returncode == 1
    assert "the images in data/photos are not those of results/data/tiny.json" in done.stdout


def test_what_is_no_study_is_refused(tree: Tree) -> None:
    for folder, said in (("studies/nothing", "where there is no config.yaml"), (".", "is the folder of the project")):
        done = tree.python("-m", "pdarts.tools.study", "--folder", folder)
        assert done.returncode == 1
        assert said in done.stdout


def test_links_that_lead_nowhere_are_made_anew(study: Tree) -> None:
    (study.root / "Snakefile").symlink_to("nowhere")
    assert planned(study) == {}
    assert (study.root / "Snakefile").resolve() == (study.root.parents[1] / "Snakefile").resolve()
