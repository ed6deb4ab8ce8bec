"""A disk that is full while a step saves costs an attempt, and no epoch that was saved."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.tree import CONFIG, Tree

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits files of a process under way"),
]

STAGE = "results/search/tiny/seed0/stage1.json"


def number_of(module: str, folder: Path) -> int | None:
    """The process that runs a module in a folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"\0-m\0{module}\0" in (process / "cmdline").read_text() and (process / "cwd").resolve() == folder:
                return int(process.name)
        except OSError:
            continue  # it has ended meanwhile
    return None


def test_a_full_disk_is_said_and_the_retry_continues_from_the_resume_file_before(tree: Tree) -> None:
    tree.edit(CONFIG, "epochs: 2\n    frozen_epochs", "epochs: 12\n    frozen_epochs")
    command = [sys.executable, "-m", "snakemake", "--configfile", CONFIG, "--cores", "1", "--retries", "1", "--", STAGE]
    with subprocess.Popen(command, cwd=tree.root, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        while "| epoch 2/12" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        number = number_of("pdarts.search", tree.root)
        assert number is not None
        resource.prlimit(number, resource.RLIMIT_FSIZE, (4096, 4096))  # less than a resume file has
        said += process.stderr.read()
    assert process.returncode == 0, said
    assert re.search(rf"error: {STAGE}\.resume-\w{{8}}: File too large; free space, then run the same", said)
    (stopped,) = json.loads(tree.read(STAGE))["provenance"]["resumed"]
    assert stopped["epoch"] >= 1
    assert "| epoch 12/12" in said
    kept = (tree.root / STAGE).parent.glob("*.resume-????????")  # until a later step has read the stage
    assert [path.name for path in kept] == [json.loads(tree.read(STAGE))["provenance"]["resume_file"]]
