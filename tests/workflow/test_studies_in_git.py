"""The studies in git: their results are those of their config, and their tables are those of their results."""

import os
import re
from pathlib import Path

import pytest

from pdarts.data import folder, manifest
from pdarts.data.manifest import FolderManifest
from pdarts.settings.datasets import ImageFolder
from tests.workflow.tree import PROJECT, Tree

pytestmark = pytest.mark.workflow

STUDIES = [path.parent.relative_to(PROJECT).as_posix() for path in sorted(PROJECT.glob("studies/*/config.yaml"))]
FORMS = ("md", "csv", "tex", "html")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A fresh clone, in which the times of files mean nothing."""
    tree = Tree.of_project(tmp_path_factory.mktemp("clone"))
    for path in tree.root.glob("studies/*/results/**/*"):
        os.utime(path, (1, 1))
    return tree


def run(clone: Tree, study: str, option: str) -> str:
    done = clone.python("-m", "pdarts.tools.study", "--folder", study, option)
    assert done.returncode == 0, done.stdout
    return done.stdout


def jobs(said: str) -> tuple[int, int, set[str]]:
    """Count the jobs that are finished and those that are missing, and list files that would be made."""
    ((finished, missing),) = re.findall(r"^(\d+) jobs? finished, (\d+) missing$", said, re.MULTILINE)
    files = re.findall(r"^Reason: Missing output files: ([^;\n]+)", said, re.MULTILINE)
    return int(finished), int(missing), {path for each in files for path in each.split(", ")}


@pytest.mark.parametrize("study", STUDIES)
def test_what_git_has_is_finished_and_without_one_test_only_its_training_runs_more(clone: Tree, study: str) -> None:
    tests = sorted((clone.root / study).glob("results/train/*/seed*/test.json"))
    if not tests:
        pytest.skip(f"{study} has no results yet")
    finished, missing, wanted = jobs(run(clone, study, "--dry-run"))
    assert bool(missing) == bool(wanted)
    assert not [path for path in wanted if (clone.root / study / path).with_name("test.json").exists()]
    content = tests[0].read_bytes()
    tests[0].unlink()
    fewer, others, more = jobs(run(clone, study, "--dry-run"))
    tests[0].write_bytes(content)
    assert (fewer, others) == (finished - 2, missing + 2)
    training = tests[0].parent.relative_to(clone.root / study)
    assert more - wanted - {f"{training}/test.json"} == {f"{training}/weights.pt"}


@pytest.mark.parametrize("study", STUDIES)
def test_tables_in_git_are_those_of_the_results_in_git(clone: Tree, study: str) -> None:
    tables = sorted((PROJECT / study / "tables").glob("*.md"))
    if not tables:
        pytest.skip(f"{study} has no tables yet")
    run(clone, study, "--tables")
    for path in tables:
        for form in FORMS:
            name = Path(study, "tables", f"{path.stem}.{form}")
            assert (clone.root / name).read_bytes() == (PROJECT / name).read_bytes(), f"{name}; call make study-tables"


def table(text: str, column: str) -> list[dict[str, str]]:
    """The rows of the table in Markdown that has a column, as values by column."""
    (found,) = (block for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE) if column in block)
    lines = found.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_the_readme_has_every_row_of_the_study_that_is_complete() -> None:
    column = "Difference to Random cells (95 % interval)"
    shown = table((PROJECT / "README.md").read_text(encoding="utf-8"), column)
    found = table((PROJECT / "studies/cifar10/tables/study.md").read_text(encoding="utf-8"), column)
    assert shown == [{name: row[name] for name in shown[0]} for row in found if " of " not in row["n"]]


@pytest.mark.parametrize("page", ["README.md", "studies/cifar10/README.md"])
def test_every_interval_that_a_page_quotes_stands_in_a_table_of_the_study(page: str) -> None:
    found = {each for path in PROJECT.glob("studies/cifar10/tables/*.md") for each in intervals(path)}
    assert intervals(PROJECT / page) <= found


def intervals(page: Path) -> set[tuple[str, ...]]:
    """Find the confidence intervals of a page, such as (+0.80 to +3.47), which prose may write without plus signs."""
    text = page.read_text(encoding="utf-8").replace("+", "")
    number = r"(\N{MINUS SIGN}?\d+\.\d+)"
    found = {tuple(each) for each in re.findall(rf"{number}\s+to\s+{number}\)", text)}
    assert found, f"{page} quotes no interval"
    return found


@pytest.mark.parametrize("study", STUDIES)
def test_images_that_are_here_are_those_of_the_manifests_in_git(study: str) -> None:
    manifests = [manifest.read(path) for path in sorted((PROJECT / study / "results" / "data").glob("*.json"))]
    folders = [found for found in manifests if isinstance(found, FolderManifest)]
    for found in folders:
        root = PROJECT / "data" / found.folder
        if not (root / "train").is_dir():
            pytest.skip(f"{root} is not here")
        settings = ImageFolder.model_validate(found.model_dump(include=set(ImageFolder.model_fields)))
        assert folder.describe(settings, root, workers=2) == found
