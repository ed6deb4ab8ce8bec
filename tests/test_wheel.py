"""The distributions: what is in them, and that the installed package works where there is no clone of the project."""

import json
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

from pdarts.reporting.table_files import RowFiles, Runs, TableFiles
from tests.by_hand import QUIET, search_arguments, train_arguments
from tests.configuration import CONFIG, ROOT
from tests.test_steps import STEPS
from tests.workflow.tree import project_files

CALLS = """
import json, os, runpy, sys
folder, ends = os.getcwd(), []
for module, *options in json.load(sys.stdin):
    os.chdir(folder)
    sys.argv[1:] = options
    try:
        runpy.run_module(f"pdarts.{module}", run_name="__main__", alter_sys=True)
        ends.append(None)
    except SystemExit as end:
        ends.append(end.code or None)
with open(os.path.join(folder, "ends.json"), "w") as file:
    json.dump(ends, file)
"""
"""A program that runs steps and tools one after another, as `python -m` does, and writes down what each ended with."""

USE = """
import pdarts
import numpy
from pdarts.nets.inference import Classifier
from pdarts.tools.gallery import published, sources
print(pdarts.__file__, *Classifier.load("seed0/weights.pt")(numpy.zeros((2, 8, 8, 3))).shape)
print(*map(published, sources()), sep="\\n")
"""

OUTSIDE = {"tools.convert"}
"""The tools that need no workflow."""


@dataclass(frozen=True)
class Installed:
    """An environment that has the wheel and no clone of the project, and an empty folder."""

    python: Path
    folder: Path

    def run(self, program: str, text: str = "") -> str:
        """Run a program in the folder; what it prints."""
        done = subprocess.run(
            [self.python, "-I", "-c", program], cwd=self.folder, input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def call(self, *calls: Iterable[object]) -> list[str | None]:
        """Run steps and tools in the folder; what each ended with, None where all went well."""
        self.run(CALLS, json.dumps([list(map(str, words)) for words in calls]))
        ends: list[str | None] = json.loads((self.folder / "ends.json").read_text())
        return ends


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what `python -m build` makes of the project's files: an sdist, and a wheel from that sdist."""
    folder, source = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("source")
    for name in project_files():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The environment lies in a repository of the user's, which must not be taken for the project's."""
    home = tmp_path_factory.mktemp("home")
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "--message", "Mine"]):
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *words], cwd=home, check=True)
    venv.create(home / "venv", symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", home / "venv", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, *distributions.glob("*.whl")], check=True)
    (packages,) = home.glob("venv/lib/python*/site-packages")
    (packages / "others.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    (home / "work").mkdir()
    return Installed(home / "venv" / "bin" / "python", home / "work")


def names(distributions: Path) -> set[str]:
    """Paths of the files in the sdist, without the folder that holds them all."""
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


def test_the_wheel_is_the_package_with_its_licence_and_nothing_else(distributions: Path) -> None:
    (path,) = distributions.glob("*.whl")
    with ZipFile(path) as archive:
        held = set(archive.namelist())
    about = {name for name in held if ".dist-info/" in name}
    assert held - about == {name for name in project_files() if name.startswith("pdarts/")}
    assert "LICENSE" in {Path(name).name for name in about}


def test_the_sdist_has_the_package_and_what_is_said_about_it_but_no_tests(distributions: Path) -> None:
    package = {name for name in project_files() if name.startswith("pdarts/")}
    about = {"CHANGELOG.md", "CITATION.cff", "LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml"}
    held = {name for name in names(distributions) if not name.startswith("pdarts.egg-info/")}
    assert held == package | about | {"setup.cfg"}


def test_steps_inference_and_published_cells_work_outside_of_a_clone(installed: Installed) -> None:
    folder = Path("seed0")
    dataset = CONFIG.datasets["digits"].model_copy(update={"train_images": 64})
    stage, metrics = folder / "output.json", folder / "output.metrics.jsonl"
    cell, manifest, weights = folder / "genotype.json", Path("digits.json"), folder / "weights.pt"
    runs = Runs(trainings={".": (0,)}, dataset="digits", search=None, drawn=())
    row = RowFiles(
        architecture="Found", runs={"": runs}, searches={}, released={}, paper=None, independent={}, cells=(), curves=()
    )
    table = TableFiles(title="Digits", paper=None, columns={}, rows=(row,)).model_dump_json()
    machine = ("--machine", QUIET)
    calls: list[Iterable[object]] = [
        ("prepare", "--settings", dataset.model_dump_json(), "--output", manifest, *machine),
        ("search", *search_arguments(manifest, folder, 1)),
        ("derive", "--stage", stage, "--max-skips", 2, "--output", cell, *machine),
        ("trace", "--stages", stage, "--metrics", metrics, "--output", folder / "trace.jsonl"),
        ("train", *train_arguments(manifest, weights), "--genotype", cell),
        ("test", "--data", manifest, "--weights", weights, "--output", folder / "test.json", *machine),
        ("export", "--weights", weights, "--output-stem", "network"),
        ("draw", "--genotype", cell, "--output", "cells.svg"),
        ("curves", "--title", "Mine", "--metrics", folder / "metrics.jsonl", "--output", "curves.svg"),
        ("report", "--table", table, "--output-stem", "mine"),
        ("sample", "--seed", 1, "--output", "random.json"),
        ("tools.convert", "--genotype", cell, "--form", "printed", "--output", "cell.txt"),
    ]
    assert installed.call(*calls) == [None] * len(calls)
    used, *cells = installed.run(USE).splitlines()
    package, *shape = used.split()
    assert Path(package).is_relative_to(installed.python.parents[1])
    assert shape == ["2", "10"]
    assert len(cells) == len(list((ROOT / "pdarts" / "genotypes").glob("*.json")))
    tested = json.loads((installed.folder / folder / "test.json").read_text())
    assert tested["images"] == 445
    assert tested["provenance"]["version"] == version("pdarts")
    assert tested["provenance"]["commit"] is tested["provenance"]["clean"] is None
    assert "| Found" in (installed.folder / "mine.md").read_text()
    assert "</html>" in (installed.folder / "mine.html").read_text()


def test_every_command_explains_itself_outside_of_a_clone(installed: Installed) -> None:
    assert installed.call(*((name, "--help") for name in STEPS)) == [None] * len(STEPS)


def test_tools_that_need_the_workflow_say_so_outside_of_a_clone(installed: Installed) -> None:
    (installed.folder / "theirs").mkdir()
    (installed.folder / "study").mkdir()
    (installed.folder / "study/config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    calls = {
        "tools.accept": ["--target", "demo", "--reason", "a comment"],
        "tools.bring": ["--source", "theirs", "--target", "demo"],
        "tools.calibrate": [],
        "tools.gallery": ["--output", "gallery.md"],
        "tools.plan": [],
        "tools.preflight": [],
        "tools.rehearse": ["--folder", "rehearsal"],
        "tools.study": ["--folder", "study"],
        "tools.tidy": [],
    }
    assert set(calls) | OUTSIDE == {name for name in STEPS if name.startswith("tools.")}
    ends = installed.call(*((name, *options) for name, options in calls.items()))
    unclear = [end for end in ends if end is None or "in a clone of the project's repository" not in end]
    assert unclear == []
    assert not (installed.folder / "rehearsal").exists()
