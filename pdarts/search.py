"""Run one stage of a progressive search.

A stage trains a fresh supernet over the operations that are still considered, by turns with its alphas, and writes
the architecture weights it ends with. Stage 1 considers all candidates; a later stage reads the file of the stage
before and keeps that stage's strongest operations on every edge.
"""

from pathlib import Path

from pdarts.checking import argument_values
from pdarts.data import manifest
from pdarts.data.batches import batches_of_parts
from pdarts.data.division import Division
from pdarts.engine import distributed, files, long_step, step
from pdarts.engine.resume_file import result_was_read
from pdarts.engine.seeds import derive_seed
from pdarts.progressive.narrowing import candidates_of
from pdarts.progressive.stage import search_stage
from pdarts.settings.methods import METHODS
from pdarts.settings.searches import StageSettings, parse_stage
from pdarts.space.architecture import to_json


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--stage", required=True, type=int, help="number of the stage, from 1")
    parser.add_argument("--previous", type=Path, metavar="STAGE.json", help="file of the stage before; not for stage 1")
    parser.add_argument("--seed", required=True, type=int, help="seed of the whole search, from 0")
    parser.add_argument("--output", required=True, type=Path, metavar="STAGE.json", help="stage file to write")
    long_step.add_arguments(parser, "search", StageSettings, *METHODS.values())
    arguments = parser.parse_args()
    stage = parse_stage(argument_values(arguments.settings, "--settings"), "--settings")
    work = long_step.LongStep("search", arguments, stage, stage.method)

    number, seed = arguments.stage, arguments.seed
    candidates = candidates_of(stage, number, arguments.previous)
    dataset = manifest.read(arguments.data)
    read = {
        "stage": number,
        "candidates": {kind: [list(names) for names in edges] for kind, edges in candidates.items()},
        "dataset": dataset.model_dump(mode="json"),
    }
    work.claim(read, {"data": arguments.data, "previous": arguments.previous})
    if arguments.previous is not None:
        before = files.read_json(arguments.previous, "stage file", "pdarts.search")
        result_was_read(arguments.previous, before.get("provenance", {}))
    division = Division(stage.train_portion, stage.alphas_portion, stage.division, derive_seed(seed, "division"))
    images = batches_of_parts(dataset, division, work.machine, work.batching(dataset))
    run = work.run(derive_seed(seed, "stage", number), len(images[0]), f"stage {number}")
    architecture = search_stage(stage, candidates, images, len(dataset.classes), work.machine, run)
    if distributed.rank() == 0:
        record = work.record(run)
        result = {"stage": number, "settings": stage.model_dump(mode="json"), "cells": to_json(architecture), **record}
        files.write_json(arguments.output, result)
        run.journal.tracker.finish()


if __name__ == "__main__":
    step.run(main)
