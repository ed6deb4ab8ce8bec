"""The small workflow is run to its end once a session; every test edits a copy of its own."""

import fcntl
import os
from pathlib import Path

import pytest

from tests.workflow.tree import ALL, CONFIG, Tree


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The finished workflow, not to be changed; pytest's workers share one."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    tree, stamp = Tree(folder / "finished"), folder / "finished.stamp"
    with (folder / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            assert Tree.of_project(tree.root).run() == ALL
            stamp.touch()
    return tree


@pytest.fixture
def tree(finished: Tree, tmp_path: Path) -> Tree:
    """A copy of the finished workflow, without W&B to save time."""
    copied = finished.copy(tmp_path / "tree")
    copied.edit(CONFIG, "{mode: offline}", "{mode: disabled}")
    return copied
