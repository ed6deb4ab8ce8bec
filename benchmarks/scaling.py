"""How a joint iteration of a search and a dry run of the workflow grow, one size at a time.

python -m benchmarks.scaling --output results/benchmark --device cpu
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch

from benchmarks.memory import most_memory
from benchmarks.run import seconds, warm
from benchmarks.searches import Search
from benchmarks.setup import Setup
from pdarts.engine import distributed
from pdarts.engine.device import device_name, set_up
from pdarts.settings.machine import Machine

BASE = {"cells": 5, "channels": 16, "batch_size": 16, "operations": 8, "processes": 1}
VARIED = {
    "cells": (2, 5, 8, 11, 17),
    "channels": (4, 8, 16, 32, 64),
    "batch_size": (4, 8, 16, 32, 64),
    "operations": (2, 3, 5, 8),
    "processes": (1, 2),
}
VARIED_ON_GPU = {**VARIED, "batch_size": (16, 32, 64, 96, 192), "processes": (1,)}
"""One process, since a card is a process's own."""
SEEDS = (1, 10, 100)
"""Retrainings and searches of each row of the paper."""
STEPS = 3


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for scaling.json, scaling.md, scaling.svg")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    device = set_up(Machine(device=arguments.device))
    if arguments.point:
        measure(device, **json.loads(arguments.point))
        return
    varied = VARIED if device.type == "cpu" else VARIED_ON_GPU
    points = {name: [point(device, **{**BASE, name: value}) for value in values] for name, values in varied.items()}
    result = {
        "device": device_name(device),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "step": points,
        "dry_run": [dry_run(seeds) for seeds in SEEDS],
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "scaling.json").write_text(json.dumps(result, indent=1) + "\n")
    (arguments.output / "scaling.md").write_text(markdown(result))
    draw(points, arguments.output / "scaling.svg")
    print(markdown(result))


def point(device: torch.device, **sizes: int) -> dict[str, Any]:
    """Time and memory of an iteration of these sizes; the batch is that of all processes together."""
    count = sizes["processes"]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)] if count > 1 else []
    command = [sys.executable, *launcher, "-m", "benchmarks.scaling", "--output", "."]
    command += ["--device", device.type, "--point", json.dumps(sizes)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = {**sizes, **json.loads(done.stdout)}
    print(found, file=sys.stderr, flush=True)
    return found


def measure(device: torch.device, processes: int, batch_size: int, **sizes: int) -> None:
    """Print seconds of a few iterations, and the peak memory of the first process."""
    distributed.start(processes, device)
    work = Search(changes={**sizes, "batch_size": batch_size // processes})
    before, iteration = most_memory(), work.ours(Setup(device))
    warm(iteration, device)
    found = [seconds(iteration, device) for _ in range(STEPS)]
    if distributed.rank() == 0:
        peak = torch.cuda.max_memory_reserved() if device.type == "cuda" else most_memory() - before
        print(json.dumps({"seconds": found, "memory": peak}))


def dry_run(seeds: int) -> dict[str, Any]:
    """Jobs, seconds and memory of a dry run of the whole paper."""
    repeats = f"repeats={{retrainings: {seeds}, searches: {seeds}}}"
    command = [Path(sys.executable).with_name("snakemake"), "paper", "--dry-run", "--quiet", "all", "--config", repeats]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=Path(__file__).parents[1], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} failed: {process.stderr.read().decode() if process.stderr else ''}")
    return {"seeds": seeds, "seconds": time.perf_counter() - started, "memory": 1024 * usage.ru_maxrss}


def markdown(result: dict[str, Any]) -> str:
    """The result as tables."""
    lines = [f"{result['device']}, {result['cores']} cores, one thread a process, torch {result['torch']}", ""]
    for name, points in result["step"].items():
        lines += [
            f"| {name} | joint iteration (s), n={STEPS} | spread | peak memory (MiB) |",
            "| --: | --: | --: | --: |",
        ]
        for found in points:
            seconds = found["seconds"]
            middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
            lines.append(f"| {found[name]} | {middle:.2f} | {least:.2f}–{most:.2f} | {found['memory'] >> 20:,} |")
        lines.append("")
    lines += ["| seeds of each row | dry run of the paper (s) | memory (MiB) |", "| --: | --: | --: |"]
    lines += [f"| {run['seeds']} | {run['seconds']:.1f} | {run['memory'] >> 20:,} |" for run in result["dry_run"]]
    return "\n".join([*lines, ""])


def draw(points: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Seconds above, memory below; a column for each thing that grows."""
    figure, rows = plt.subplots(2, len(points), figsize=(3 * len(points), 5), squeeze=False, layout="constrained")
    for (name, found), above, below in zip(points.items(), *rows, strict=True):
        values = [one[name] for one in found]
        above.plot(values, [statistics.median(one["seconds"]) for one in found], marker="o")
        below.plot(values, [one["memory"] / 2**20 for one in found], marker="o", color="C1")
        below.set_xlabel(name)
        for axes in (above, below):
            axes.set_ylim(bottom=0)
            axes.set_xticks(values)
    rows[0][0].set_ylabel("joint iteration (s)")
    rows[1][0].set_ylabel("peak memory (MiB)")
    figure.savefig(path)


if __name__ == "__main__":
    main()
