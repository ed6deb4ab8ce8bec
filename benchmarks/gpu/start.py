"""Begin a stage of a search, and end after ten iterations.

python -m benchmarks.gpu.start '{"dry": false, "stage": 1}'
"""

import json
import sys
from pathlib import Path

import torch

from benchmarks.gpu.check import Check
from benchmarks.gpu.costs import STEPS
from benchmarks.searches import Search


def main() -> None:
    """Entry point."""
    asked = json.loads(sys.argv[1])
    setup = Check(asked["dry"], Path(), sys.executable).setup()
    iteration = Search(stage=asked["stage"]).ours(setup)
    for _ in range(STEPS):
        iteration()
    if setup.device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
