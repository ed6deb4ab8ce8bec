"""`make gpu-check`, at toy size on a CPU."""

import gzip
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu.check import Check, Part, Row
from benchmarks.gpu.isolation import Unfinished, rows
from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.report import Report, text
from benchmarks.gpu_check import compute
from pdarts.errors import warn
from pdarts.settings.methods import METHODS
from tests import warm
from tests.configuration import CONFIG, ROOT
from tests.workflow.tree import Tree

Done = subprocess.CompletedProcess[str]


def check(folder: Path, *arguments: str, root: Path = ROOT, **environment: str) -> Done:
    command = [warm.python(), "-m", "benchmarks.gpu_check", "--output", str(folder), *arguments]
    streams: dict[str, Any] = {"capture_output": True, "text": True, "check": False}
    return subprocess.run(command, cwd=root, env={**os.environ, **environment}, **streams)


@pytest.fixture(scope="module")
def dry(tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, dict[str, Any]]:
    """A dry run of everything, and what it wrote as JSON."""
    folder = tmp_path_factory.mktemp("check")
    done = check(folder, "--dry")
    assert (folder / "gpu-check.md").read_text() + "\n" == done.stdout
    return done, json.loads((folder / "gpu-check.json").read_text())


def test_a_dry_run_computes_every_part_and_all_is_right(dry: tuple[Done, dict[str, Any]]) -> None:
    done, found = dry
    assert done.returncode == 0, done.stderr
    assert [one["title"] for one in found["sections"]] == [part.title for part in PARTS]
    assert [one["title"] for one in found["sections"] if one["unfinished"] or one["warnings"] or not one["rows"]] == []
    deciding = {part.title for part in PARTS if part.decides}
    assert {one["title"] for one in found["sections"] if any("right" in row for row in one["rows"])} == deciding


def test_every_table_has_numbers(dry: tuple[Done, dict[str, Any]]) -> None:
    sections = re.split(r"^## ", dry[0].stdout, flags=re.MULTILINE)[1:]
    assert [one.splitlines()[0] for one in sections] == [
        *(part.title for part in PARTS),
        "Whole searches and trainings",
    ]
    for one in sections:
        lines = [line for line in one.splitlines() if line.startswith("|")]
        assert len(lines) > 2, one
        assert re.search(r"\d", "".join(lines[2:])), one
        assert len({line.count("|") for line in lines}) == 1


def test_every_method_is_timed_in_every_way(dry: tuple[Done, dict[str, Any]]) -> None:
    timed = [row for one in dry[1]["sections"] for row in one["rows"] if "turns" in row]
    presets = {row["whole"]["name"].removeprefix("search ") for row in timed} & CONFIG.searches.keys()
    assert {CONFIG.searches[name].method for name in presets} == METHODS.keys()
    for row in timed:
        assert {"eager", "graphs"} <= row["turns"].keys()
        assert min(row["seconds"].values()) > 0
        assert row["against"] == next(iter(row["turns"]))


def test_a_recorded_number_that_is_off_and_bits_that_differ_fail_the_check(tmp_path: Path) -> None:
    tree = Tree.of_project(tmp_path / "project")
    path = tree.root / "tests/reference/numerics.json.gz"
    cases = json.loads(gzip.decompress(path.read_bytes()))
    cases["imagenet_pdarts"]["eval_logits"][1][2] *= 1 + 1e-6
    path.write_bytes(gzip.compress(json.dumps(cases).encode()))
    tree.edit("pdarts/engine/seeds.py", "return int.from_bytes", "return __import__('os').getpid() or int.from_bytes")
    for only, wrong, reason in (
        ("recorded", "Recorded numbers", "imagenet_pdarts"),
        ("bits, float32", "Repeated bits, float32", "float32 | pdarts | **NO** | **NO**"),
    ):
        done = check(tmp_path / "out", "--dry", "--only", only, root=tree.root)
        assert done.returncode == 1
        assert f"wrong, or not known: {wrong};" in done.stderr
        assert f"**Wrong: {wrong}.**" in done.stdout
        assert reason in done.stdout


def test_without_a_gpu_it_says_so_in_one_line(tmp_path: Path) -> None:
    done = check(tmp_path / "out", CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 1
    assert re.fullmatch(r"error: this check needs a GPU, and --dry [^\n]+\n", done.stderr)
    assert not (tmp_path / "out").exists()


def fine(check: Check) -> Iterator[Row]:
    warn("it took long")
    yield {"number": 0.123456, "right": True}


def failing(check: Check) -> Iterator[Row]:
    yield {"number": 1}
    raise ValueError("first line\nsecond line")


def ending(check: Check) -> Iterator[Row]:
    yield {"number": float("nan")}
    os._exit(3)


def hanging(check: Check) -> Iterator[Row]:
    yield {"number": 2}
    subprocess.run(["sleep", "1000"], check=True)


def test_a_part_that_fails_ends_or_hangs_costs_no_other_part_anything(tmp_path: Path) -> None:
    parts = tuple(
        Part(work.__name__, "", work, 3, decides=work in (fine, ending)) for work in (failing, ending, hanging, fine)
    )
    report, started = Report(tmp_path, "Title", parts), time.monotonic()
    for section in report.sections:
        compute(section, Check(True, tmp_path, sys.executable), 60, report)
    assert [(one.part.title, one.unfinished, len(one.rows)) for one in report.sections] == [
        ("failing", "ValueError: first line", 1),
        ("ending", "its process ended with 3", 1),
        ("hanging", "3 seconds were not enough", 1),
        ("fine", None, 1),
    ]
    assert report.wrong == ["ending"]
    assert report.sections[-1].said == ["warning: it took long"]
    assert "| 0.123 | yes |" in report.markdown()
    assert json.loads((tmp_path / "gpu-check.json").read_text())["sections"][1]["rows"] == [{"number": "NaN"}]
    assert time.monotonic() - started < 30


def test_what_there_was_no_time_for_is_named(tmp_path: Path) -> None:
    done = check(tmp_path, "--dry", "--limit", "0", "--only", "numbers")
    assert done.returncode == 1
    assert "Missing: Recorded numbers (not begun: there was no time left)." in done.stdout
    with pytest.raises(Unfinished, match="seconds were not enough"):
        list(rows(Part("", "", hanging, 1), Check(True, tmp_path, sys.executable), 0, []))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, "yes"), (False, "**NO**"), (None, "–"), (12345.6, "12,346"), (0.0012345, "0.00123"), (3915, "3,915")],
)
def test_a_cell_is_short(value: object, shown: str) -> None:
    assert text(value) == shown
