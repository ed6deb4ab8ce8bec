"""The pages in docs/ do what they say: their files are written and their commands run."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests import warm
from tests.by_hand import trained, write_manifest
from tests.configuration import ROOT
from tests.workflow.tree import Tree

pytestmark = pytest.mark.workflow

MADE = {
    "cost": [],
    "export": ["network.onnx", "network.pt2", "network.safetensors"],
    "own-genotype": [
        *("cells/mine.svg", "cells/theirs.json"),
        *("results/tables/my-cell.html", "results/train/my-cell/seed0/test.json"),
        *("results/tables/best-of-two.html", "results/random_search/best-of-two/seed1/genotype.json"),
    ],
    "own-method": ["results/search/digits/seed0/genotype.json", "results/search/digits/seed0/curves.svg"],
    "own-operation": ["results/train/digits/seed0/test.json", "results/train/digits/seed0/cells.svg"],
    "own-search": ["results/search/mine/seed0/genotype.json", "results/search/mine/seed0/stage2.metrics.jsonl"],
    "results": ["results/random/seed7/genotype.json"],
    "targets": [],
    "tutorial": ["results/tables/mine.md", "results/train/mine-on-few-digits/seed0/cells.svg"],
}
"""Pages, and what is there after their commands ran."""


def follow(page: str, tree: Tree) -> str:
    """Do what a page says, from its top to its end; the output of its commands.

    A line with a file's name in backquotes and a colon, then a block: its content. `sh` and `python` blocks run, beside
    two images that a user may have.
    """
    for name in ("one.png", "another.jpg"):
        Image.new("RGB", (20, 16)).save(tree.root / name)
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    printed = ""
    for match in re.finditer(r"(?P<before>[^\n]*)\n+```(?P<language>\w+)\n(?P<content>.*?)```\n", text, re.DOTALL):
        named = re.fullmatch(r"`([\w/.]+)`:", match["before"])
        if named:
            (tree.root / named[1]).parent.mkdir(exist_ok=True)
            tree.write(named[1], match["content"])
        elif match["language"] == "python":
            tree.write("block.py", match["content"])
            printed += run(tree, "python block.py")
        elif match["language"] == "sh":
            printed += run(tree, match["content"])
    return printed


def masked(line: str) -> str:
    """A line of output without fractions, which measure this machine, and without the width of columns."""
    return re.sub("─+", "─", re.sub(r"\d+\.\d+", "#", " ".join(line.split())))


def run(tree: Tree, commands: str) -> str:
    path = os.pathsep.join([str(Path(warm.python()).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-e", "-c", commands],
        cwd=tree.root,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Tree:
    """The project without results, and without W&B to save time."""
    tree = Tree.of_project(tmp_path)
    tree.edit("config.yaml", "mode: offline", "mode: disabled")
    return tree


@pytest.mark.parametrize("page", MADE)
def test_a_page_does_what_it_says(page: str, copy: Tree) -> None:
    if page in ("export", "results"):
        (folder := copy.root / "results/train/digits/seed0").mkdir(parents=True)
        trained(folder, write_manifest(copy.root))
    printed = follow(page, copy)
    assert printed
    missing = [path for path in MADE[page] if not (copy.root / path).is_file()]
    assert not missing
    if page == "own-operation":
        assert "mb_conv_3x3" in copy.read("results/search/digits/seed0/stage1.json")
        assert "torch.Size([2, 10])" in printed
    if page == "own-method":
        assert '"entropy_weight": 0.5' in copy.read("results/search/digits/seed0/stage2.json")
    if page == "cost":
        assert list((copy.root / "results/calibration").glob("*.json"))
        assert {"train_step:", "Total:"} <= set(printed.split())
        assert "Nothing is finished yet." in printed
    if page == "results":
        assert "  results/random/seed7/genotype.json\n" in printed
    if page == "tutorial":
        blocks = re.findall(r"```sh\n[^`]*```\n\n```\n(.*?)```", copy.read("docs/tutorial.md"), re.DOTALL)
        shown = [line for block in blocks for line in block.splitlines() if line != "…"]
        rest = map(masked, printed.splitlines())  # each line is looked for behind the one before
        assert [line for line in shown if masked(line) not in rest] == [], printed
        assert len(blocks) == 5
    if page == "own-search":
        jobs = re.findall(r"^(\w+) +\d+$", printed.split("Job stats:")[-1], re.MULTILINE)
        assert jobs == ["derive", "total"]


def test_every_page_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = sorted(path.name for path in (ROOT / "docs").glob("*.md"))
    assert len(pages) > len(MADE)
    assert [page for page in pages if f"(docs/{page})" not in readme] == []
