"""Run one stage of a progressive search.

A stage trains a fresh supernet over the operations that are still considered, by turns with its alphas, and writes
the architecture weights it ends with. Stage 1 considers all candidates; a later stage reads the file of the stage
before and keeps that stage's strongest operations on every edge.
"""

from pathlib import Path

from pdarts.checking import argument_values, parse_argument
from pdarts.data import manifest
from pdarts.data.batches import batches_of_parts
from pdarts.data.division import Division
from pdarts.engine import device, distributed, files, step
from pdarts.engine.checkpoint import Checkpoint
from pdarts.engine.journal import Journal
from pdarts.engine.progress import Progress
from pdarts.engine.provenance import now, provenance
from pdarts.engine.seeds import derive_seed
from pdarts.engine.tracking import Tracker
from pdarts.errors import InputError
from pdarts.nets.execution import kernels
from pdarts.progressive.stage import search_stage
from pdarts.settings.machine import Machine
from pdarts.settings.methods import METHODS
from pdarts.settings.searches import StageSettings, parse_stage
from pdarts.sources import fingerprint
from pdarts.space.architecture import parse, to_json
from pdarts.space.candidates import Candidates, all_candidates, prune
from pdarts.space.topology import KINDS


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--data", required=True, type=Path, metavar="MANIFEST.json", help="manifest by pdarts.prepare")
    parser.add_argument("--stage", required=True, type=int, help="number of the stage, from 1")
    parser.add_argument("--previous", type=Path, metavar="STAGE.json", help="file of the stage before; not for stage 1")
    step.add_settings(parser, StageSettings, *METHODS.values())
    parser.add_argument("--seed", required=True, type=int, help="seed of the whole search, from 0")
    parser.add_argument("--output", required=True, type=Path, metavar="STAGE.json", help="stage file to write")
    parser.add_argument("--metrics", required=True, type=Path, metavar="METRICS.jsonl", help="a line an epoch")
    parser.add_argument("--experiment", default="by-hand", help="name of the search, for progress and W&B")
    step.add_extensions(parser)
    step.add_machine(parser)
    step.add_rehearsal(parser)
    arguments = parser.parse_args()
    stage = parse_stage(argument_values(arguments.settings, "--settings"), "--settings")
    machine = parse_argument(Machine, arguments.machine, "--machine")
    started, where = now(), device.set_up(machine)
    distributed.start(stage.processes, where)

    considered = _candidates(stage, arguments.stage, arguments.previous)
    dataset = manifest.read(arguments.data)
    division = Division(
        stage.train_portion, stage.alphas_portion, stage.division, derive_seed(arguments.seed, "division")
    )
    halves = batches_of_parts(
        dataset, division, machine, stage.batch_size, stage.augmentation, where, distributed.share()
    )
    settings = stage.model_dump(mode="json")
    name = f"{arguments.experiment} seed {arguments.seed} stage {arguments.stage}"
    config = {"seed": arguments.seed, **settings}
    tracker = Tracker(machine.wandb, "search", arguments.experiment, name, config, arguments.rehearsal)
    journal = Journal(arguments.metrics, tracker, Progress(f"search {name}", stage.epochs, len(halves[0])))
    identity = {
        "step": "search",
        "stage": arguments.stage,
        "seed": arguments.seed,
        "settings": settings,
        "candidates": {kind: [list(names) for names in edges] for kind, edges in considered.items()},
        "dataset": dataset.model_dump(mode="json"),
        "code": fingerprint("search", stage.method, extensions=arguments.extensions),
    }
    checkpoint = Checkpoint(arguments.output, identity, machine.resume_other_code)
    architecture, run = search_stage(
        stage,
        considered,
        halves,
        len(dataset.classes),
        derive_seed(arguments.seed, "stage", arguments.stage),
        where,
        machine,
        journal,
        checkpoint,
    )
    if distributed.rank() > 0:
        return
    inputs = {"data": arguments.data, "previous": arguments.previous}
    record = provenance(
        where,
        started,
        step="search",
        method=stage.method,
        extensions=arguments.extensions,
        seed=arguments.seed,
        inputs=inputs,
        rehearsal=arguments.rehearsal,
    )
    record |= {"resumed": run.resumed, "kernels": kernels(where, stage.precision, machine)}
    result = {
        "stage": arguments.stage,
        "settings": settings,
        "cells": to_json(architecture),
        "seconds": round(record["seconds"] + run.earlier_seconds, 3),
        "provenance": record,
    }
    files.write_json(arguments.output, result)
    if distributed.processes() == 1:
        checkpoint.remove()  # of several processes the rule removes it, since torchrun can still fail
    tracker.finish()


def _candidates(stage: StageSettings, number: int, previous: Path | None) -> dict[str, Candidates]:
    """All operations in stage 1, the strongest of the stage before in a later one."""
    if (number == 1) != (previous is None) or number < 1:
        raise InputError(
            f"--stage is {number} and --previous is {previous}; stage 1 takes no --previous, a later stage takes the "
            "file of the stage before"
        )
    if previous is None:
        return all_candidates(stage.candidates)
    value = files.read_json(previous, "stage file", "pdarts.search")
    held = value.get("stage") if isinstance(value, dict) else None
    if held != number - 1:
        raise InputError(f"{previous}: holds stage {held}, but stage {number} needs that of stage {number - 1}")
    before = parse(value.get("cells"), str(previous))
    present = min(rows.shape[1] for rows in before.weights.values())
    if stage.operations > present:
        raise InputError(f"operations is {stage.operations}, but {previous} has {present}; allowed: 2 to {present}")
    return {kind: prune(before.candidates[kind], before.weights[kind], stage.operations) for kind in KINDS}


if __name__ == "__main__":
    step.run(main)
