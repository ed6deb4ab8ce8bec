"""Compare this project with the textbook formulation, turn by turn in one run; ratios, since times vary with load.

python -m benchmarks.run --output results/benchmark --repeats 5 --threads 1
python -m benchmarks.run --device cuda: what to report of a GPU, with the kernels that an iteration launches
python -m benchmarks.run --check: a few smaller cases; fails where a ratio is far below its floor
"""

import argparse
import gc
import json
import os
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.cases import CASES, ON_CPU, QUICK, Case
from benchmarks.memory import peaks
from benchmarks.searches import Iteration, Search
from benchmarks.setup import Setup, setup_on
from pdarts.engine.device import device_name, set_up
from pdarts.engine.graphs import EAGER_CALLS
from pdarts.nets.execution import kernels
from pdarts.settings.machine import Machine

MARGIN = 0.6
"""Of a floor, below which `--check` fails: machines are noisy, but a lost factor shows."""


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a part of the names of what is timed (default: all)")
    parser.add_argument("--repeats", type=int, default=5, help="turns of both, behind one that is not counted")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--output", type=Path, help="folder for benchmark.json and benchmark.md")
    arguments = parser.parse_args()
    machine = Machine(device=arguments.device, threads=arguments.threads)
    setup = setup_on(set_up(machine), machine)
    device = setup.device
    torch.manual_seed(0)
    present = QUICK if arguments.check else CASES if device.type == "cuda" else CASES + ON_CPU
    cases = [case for case in present if arguments.only in case.name]
    if not cases or arguments.repeats < 1:
        parser.error(f"nothing to time; names: {', '.join(case.name for case in present)}; repeats from 1")
    rows = []
    for case in cases:
        rows.append(compare(case, arguments.repeats, setup))
        print(line(rows[-1]), file=sys.stderr, flush=True)
    memory = [] if arguments.check or arguments.only else [peaks(stage, device.type) for stage in (1, 2, 3)]
    result = {
        "threads": arguments.threads,
        "device": device_name(device),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "kernels": kernels(Search().settled(setup).supernet, device),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": rows,
        "memory": memory,
    }
    text = markdown(result)
    print(text)
    if arguments.output is not None:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "benchmark.json").write_text(json.dumps(result, indent=1) + "\n")
        (arguments.output / "benchmark.md").write_text(text)
    lost = [row["name"] for row in rows if row["ratio"] < MARGIN * row["floor"]]
    if arguments.check and lost:
        sys.exit(f"below {MARGIN} times their floors: {', '.join(lost)}")


def compare(case: Case, repeats: int, setup: Setup) -> dict[str, Any]:
    """Seconds of both by turns, and the ratio of every turn; launches of an iteration of each."""
    release(setup.device)
    device, both = setup.device, (case.textbook(setup), case.ours(setup))
    for iteration in both:
        warm(iteration, device)
    counted = [launches(iteration, device) for iteration in both] if case.iteration else None
    pairs = [tuple(seconds(iteration, device) for iteration in both) for _ in range(repeats)]
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
        "launches": counted,
    }


def warm(iteration: Iteration, device: torch.device) -> None:
    """Call once, or on a GPU until its kernels are chosen and recorded."""
    for _ in range(EAGER_CALLS + 2 if device.type == "cuda" else 1):
        iteration()


def release(device: torch.device) -> None:
    """Free the memory of what was compared before."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def seconds(iteration: Iteration, device: torch.device) -> float:
    """How long one call takes, to its last kernel."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    iteration()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def launches(iteration: Iteration, device: torch.device) -> int:
    """Kernels that one call launches on a GPU; on a CPU the innermost of PyTorch's operations, and calls of our own."""
    if device.type == "cuda":
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found:
            iteration()
            torch.cuda.synchronize(device)
        return sum(
            event.device_type == DeviceType.CUDA and not event.name.startswith("Mem") for event in found.events()
        )
    with profile(activities=[ProfilerActivity.CPU]) as found:
        iteration()
    return sum(not event.cpu_children for event in found.events())


def line(row: dict[str, Any]) -> str:
    """One case in words."""
    return (
        f"{row['name']}: {row['baseline_seconds']:.3f} s to {row['seconds']:.3f} s, {row['ratio']:.2f} times "
        f"(n={row['n']}, {row['least']:.2f} to {row['most']:.2f})"
    )


def markdown(result: dict[str, Any]) -> str:
    """The result as a table."""
    head = f"{result['device']}, {result['threads']} thread(s), torch {result['torch']}, {result['kernels']} kernels"
    rows = [
        f"| {row['name']} | {row['baseline_seconds']:.3f} | {row['seconds']:.3f} | **{row['ratio']:.2f}** | "
        f"{row['least']:.2f}–{row['most']:.2f} | {row['n']} | {row['floor']:.3g} | {row['target']:.3g} | "
        f"{' → '.join(f'{number:,}' for number in row['launches'] or ())} |"
        for row in result["rows"]
    ]
    titles = "| work | textbook (s) | pdarts (s) | ratio | spread | n | floor | target | launches |"
    lines = [head, "", titles, "| --- | --: | --: | --: | --: | --: | --: | --: | --: |", *rows, ""]
    if result["memory"]:
        lines += [
            "Peak memory of a joint iteration, above what the process had before (MiB; each in a process of its own):",
            "",
        ]
        lines += [
            "| stage | textbook | pdarts | share | with recomputation | share |",
            "| --- | --: | --: | --: | --: | --: |",
        ]
        lines += [
            f"| {row['stage']} | {row['textbook'] >> 20:,} | {row['pdarts'] >> 20:,} | "
            f"**{row['pdarts'] / row['textbook']:.2f}** | {row['recomputation'] >> 20:,} | "
            f"**{row['recomputation'] / row['textbook']:.2f}** |"
            for row in result["memory"]
        ]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
