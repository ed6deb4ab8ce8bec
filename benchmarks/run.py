"""Compare this project with the textbook formulation, turn by turn in one run; ratios, since times vary with load.

python -m benchmarks.run --output results/benchmark --repeats 5 --threads 1
"""

import argparse
import gc
import json
import os
import statistics
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.cases import (
    Case,
    Step,
    input_images,
    search,
    second_order,
    testing,
    training,
)
from pdarts.engine.device import device_name
from pdarts.nets import cpu_kernels

CIFAR, IMAGENET = ("cifar", 36, 20, 16, 32, 10), ("imagenet", 48, 14, 8, 224, 1000)
CASES = (
    *(
        Case(f"joint step, stage {stage}", floor, 5.0, partial(search, stage, True))
        for stage, floor in ((1, 3.4), (2, 2.6), (3, 2.6))
    ),
    *(Case(f"weights step, stage {stage}", 2.6, 4.0, partial(search, stage, False)) for stage in (1, 2, 3)),
    Case("second-order step of the alphas", 2.5, 3.5, second_order),
    Case("joint step, partial channels", 2.5, 3.5, partial(search, 1, True, cells=8, share=4)),
    Case("training, CIFAR", 1.5, 2.2, partial(training, *CIFAR)),
    Case("testing, CIFAR", 1.5, 2.5, partial(testing, *CIFAR)),
    Case("training, ImageNet", 1.4, 2.0, partial(training, *IMAGENET)),
    Case("testing, ImageNet", 1.4, 2.0, partial(testing, *IMAGENET)),
    Case("input with cutout", 10.0, 12.0, input_images),
)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a part of the names of what is timed (default: all)")
    parser.add_argument("--repeats", type=int, default=5, help="turns of both, behind one that is not counted")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--output", type=Path, help="folder for benchmark.json and benchmark.md")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    cases = [case for case in CASES if arguments.only in case.name]
    if not cases or arguments.repeats < 1:
        parser.error(f"nothing to time; names: {', '.join(case.name for case in CASES)}; repeats from 1")
    rows = []
    for case in cases:
        rows.append(compare(case, arguments.repeats))
        print(line(rows[-1]), file=sys.stderr, flush=True)
    result = {
        "threads": arguments.threads,
        "device": device_name(torch.device("cpu")),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "kernels": cpu_kernels.suit(torch.zeros(1)),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": rows,
    }
    text = markdown(result)
    print(text)
    if arguments.output is not None:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "benchmark.json").write_text(json.dumps(result, indent=1) + "\n")
        (arguments.output / "benchmark.md").write_text(text)


def compare(case: Case, repeats: int) -> dict[str, Any]:
    """Seconds of both by turns, and the ratio of every turn."""
    both = case.make()
    for step in both:
        step()
    pairs = [tuple(seconds(step) for step in both) for _ in range(repeats)]
    del both
    gc.collect()
    baseline, project = zip(*pairs, strict=True)
    ratios = [theirs / ours for theirs, ours in pairs]
    return {
        "name": case.name,
        "n": repeats,
        "baseline_seconds": statistics.median(baseline),
        "seconds": statistics.median(project),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
        "floor": case.floor,
        "target": case.target,
    }


def seconds(step: Step) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def line(row: dict[str, Any]) -> str:
    """One case in words."""
    return (
        f"{row['name']}: {row['baseline_seconds']:.3f} s to {row['seconds']:.3f} s, {row['ratio']:.2f} times "
        f"(n={row['n']}, {row['least']:.2f} to {row['most']:.2f})"
    )


def markdown(result: dict[str, Any]) -> str:
    """The result as a table."""
    kernels = "with" if result["kernels"] else "without"
    head = f"{result['device']}, {result['threads']} thread(s), torch {result['torch']}, {kernels} C++ kernels"
    rows = [
        f"| {row['name']} | {row['baseline_seconds']:.3f} | {row['seconds']:.3f} | **{row['ratio']:.2f}** | "
        f"{row['least']:.2f}–{row['most']:.2f} | {row['n']} | {row['floor']:g} | {row['target']:g} |"
        for row in result["rows"]
    ]
    titles = "| work | textbook (s) | pdarts (s) | ratio | spread | n | floor | target |"
    return "\n".join([head, "", titles, "| --- | --: | --: | --: | --: | --: | --: | --: |", *rows, ""])


if __name__ == "__main__":
    main()
