"""As many steps run at once as the GPUs of the machine take."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fake_driver import with_gpus
from tests.workflow.tree import CONFIG, Tree

pytestmark = pytest.mark.workflow

WEIGHTS = [f"results/train/tiny/seed{seed}/weights.pt" for seed in range(3)]


def at_once(tree: Tree, driver: dict[str, str], *arguments: str) -> list[int]:
    """How many trainings Snakemake starts at a time, on two GPUs and four cores; `--touch` takes each for done."""
    command = ["snakemake", "--configfile", CONFIG, "--cores", "4", "--touch", "--forcerun", "train", *arguments]
    done = subprocess.run(
        [sys.executable, "-m", *command, "--", *WEIGHTS],
        cwd=tree.root,
        env={**driver, "PYTHONPATH": str(tree.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [int(count) for count in re.findall(r"^Execute (\d+) jobs", done.stderr, re.MULTILINE)]


@pytest.fixture
def three(tree: Tree) -> Tree:
    """Three trainings that wait for nothing but the GPU."""
    tree.edit(CONFIG, "genotype: {search: tiny, seed: each}", "genotype: PDARTS")
    for path in WEIGHTS:
        for output in (tree.root / path, (tree.root / path).with_name("metrics.jsonl")):
            output.parent.mkdir(exist_ok=True)
            output.touch()
    return tree


def test_as_many_steps_run_at_once_as_gpus_times_steps_per_gpu(three: Tree, tmp_path: Path) -> None:
    one_gpu = with_gpus(2, tmp_path) | {"CUDA_VISIBLE_DEVICES": "1"}
    assert at_once(three, one_gpu) == [1, 1, 1]
    assert at_once(three, one_gpu, "--config", "machine={steps_per_gpu: 2}") == [2, 1]
    assert at_once(three, one_gpu, "--resources", "gpu=3") == [3]
    assert at_once(three, one_gpu, "--config", "machine={device: cpu}") == [3]
