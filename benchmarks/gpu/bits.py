"""What repeats to the last bit: whole searches, graphs beside eager steps, and a step that is interrupted."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu.check import Check, Row
from benchmarks.setup import ROOT, config
from pdarts.engine.termination import RETRY
from pdarts.nets.execution import TORCH

STAGES = (1, 2, 3)
IMAGES = {False: 256, True: 64}
"""Digits in a check and in a dry run; half of them train weights."""
SIZES: dict[bool, dict[str, Any]] = {
    False: {"channels": 16, "batch_size": 32, "epochs": 4, "frozen_epochs": 1, "scored_epochs": 1},
    True: {"cells": 2, "channels": 2, "batch_size": 32, "epochs": 2, "frozen_epochs": 1, "scored_epochs": 1},
}
"""Settings that differ from those of the search of digits, in a check and in a dry run."""
LONG = {False: 40, True: 8}
"""Epochs of a step that is interrupted behind its second one, enough not to end before."""

Step = list[str]


def repeated(precision: str, check: Check) -> Iterator[Row]:
    """Search twice, each time in a process of its own, and once more without graphs."""
    ways: dict[str, dict[str, Any]] = {"once": {}, "again": {}, "eager": {"graphs": False}}
    found: dict[str, Any] = {}
    for way, machine in ways.items():
        folder = check.folder / f"{precision}-{way}"
        run(
            check,
            [prepare(check, folder), *(search(check, folder, precision, stage, machine=machine) for stage in STAGES)],
        )
        found[way] = outcome(folder, STAGES)
    computed = json.loads((folder / "stage1.json").read_text())["provenance"]["kernels"]
    promised = check.dry or computed != TORCH
    for title, other in (("the same search in two processes", "again"), ("graphs and eager steps", "eager")):
        same = found["once"] == found[other]
        row: Row = {"compared": title, "precision": precision, "computed by": computed, "the same bits": same}
        yield row | {"right": same if promised else None}


def resumed(check: Check) -> Iterator[Row]:
    """Interrupt a stage of a search by SIGTERM, let the same command continue it, and compare with one in peace."""
    for precision in ("float32",) if check.dry else ("float32", "bfloat16"):
        whole, killed = (check.folder / f"resume-{precision}-{name}" for name in ("whole", "killed"))
        in_peace, step = (search(check, folder, precision, 1, epochs=LONG[check.dry]) for folder in (whole, killed))
        run(check, [prepare(check, whole), in_peace])
        interrupted = interrupt(check, [prepare(check, killed), step])
        run(check, [step])
        found, expected = outcome(killed, (1,)), outcome(whole, (1,))
        provenance = json.loads((killed / "stage1.json").read_text())["provenance"]
        stopped = [f"epoch {one['epoch'] + 1}, iteration {one['step'] + 1}" for one in provenance["resumed"]]
        same, computed = found == expected, provenance["kernels"]
        row: Row = {"precision": precision, "computed by": computed, "interrupted at": "; ".join(stopped)}
        promised = check.dry or computed != TORCH
        right = interrupted and (same if promised else None)
        yield row | {"the same bits": same, "right": right}


def prepare(check: Check, folder: Path) -> Step:
    """Make the manifest of digits, which come with the package."""
    folder.mkdir()
    dataset = config().datasets["digits"].model_copy(update={"train_images": IMAGES[check.dry]})
    return ["prepare", "--settings", dataset.model_dump_json(), "--output", str(folder / "digits.json")]


def search(check: Check, folder: Path, precision: str, stage: int, machine: Any = None, **changes: Any) -> Step:
    """Search a stage of digits."""
    changes = SIZES[check.dry] | {"precision": precision} | changes
    settings = config().searches["digits"].stage_settings(stage).model_copy(update=changes)
    previous = ["--previous", str(folder / f"stage{stage - 1}.json")] if stage > 1 else []
    output = ["--output", str(folder / f"stage{stage}.json"), "--metrics", str(folder / f"stage{stage}.jsonl")]
    read = ["--data", str(folder / "digits.json"), "--stage", str(stage), "--seed", "0", *previous]
    given = ["--settings", settings.model_dump_json(), "--machine", check.machine(**(machine or {})).model_dump_json()]
    return ["search", *read, *given, *output]


def start(check: Check, steps: Sequence[Step]) -> subprocess.Popen[str]:
    """Start steps in a process of their own; cuBLAS repeats with this workspace only."""
    command = [check.python, "-m", "benchmarks.gpu.deterministic", json.dumps(steps)]
    environment = {**os.environ, "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    streams: dict[str, Any] = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=environment, **streams)


def run(check: Check, steps: Sequence[Step]) -> None:
    """Run steps to their end, and repeat their warnings.

    Raises:
        RuntimeError: if one fails, with the last line that it said.
    """
    process = start(check, steps)
    _, said = process.communicate()
    for line in said.splitlines():
        if line.startswith("warning: "):
            print(line, file=sys.stderr)
    if process.returncode != 0:
        raise RuntimeError(f"{steps[-1][0]} ended with {process.returncode}: {said.strip().splitlines()[-1:]}")


def interrupt(check: Check, steps: Sequence[Step]) -> bool:
    """Send SIGTERM after two epochs of the last step; whether it ended as one that can be continued."""
    with start(check, steps) as process:
        assert process.stderr is not None
        said = 0
        while said < 2 and (line := process.stderr.readline()):
            said += "| epoch" in line
        process.send_signal(signal.SIGTERM)
        process.communicate()
    return process.returncode == RETRY


def outcome(folder: Path, stages: Sequence[int]) -> list[Any]:
    """What stages wrote, times apart; weights are written in full precision."""
    found: list[Any] = []
    for stage in stages:
        lines = [json.loads(line) for line in (folder / f"stage{stage}.jsonl").read_text().splitlines()]
        metrics = [{key: value for key, value in line.items() if key != "seconds"} for line in lines]
        found += [json.loads((folder / f"stage{stage}.json").read_text())["cells"], metrics]
    return found
