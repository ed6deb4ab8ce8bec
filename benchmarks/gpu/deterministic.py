"""Run steps one after the other, by PyTorch's deterministic algorithms.

python -m benchmarks.gpu.deterministic '[["search", "--data", …], …]'
"""

import json
import runpy
import sys

import torch


def main() -> None:
    """Entry point."""
    torch.use_deterministic_algorithms(True)
    for step, *arguments in json.loads(sys.argv[1]):
        sys.argv[1:] = arguments
        runpy.run_module(f"pdarts.{step}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
