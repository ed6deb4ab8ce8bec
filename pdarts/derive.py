"""Derive the genotype that a stage's architecture weights stand for.

The method that searched decides which edges every node keeps, and which operation every edge. While the normal cell has
more skip connections than allowed, the weakest one is struck out and edges are selected again.
"""

from pathlib import Path

from pdarts.checking import parse_argument
from pdarts.engine import files, step
from pdarts.engine.invocation import Invocation
from pdarts.engine.resume_file import result_was_read
from pdarts.engine.tracking import new_id
from pdarts.errors import InputError
from pdarts.progressive.method import method_behind
from pdarts.progressive.refinement import derive
from pdarts.reporting.cell_drawing import draw
from pdarts.settings.machine import Machine
from pdarts.space.architecture import parse
from pdarts.space.genotype import Genotype
from pdarts.space.topology import EDGES_KEPT, KINDS, check_max_skips


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--stage", required=True, type=Path, metavar="STAGE.json", help="stage file by pdarts.search")
    limit = f"skip connections left in the normal cell, 0 to {EDGES_KEPT} (default: any)"
    parser.add_argument("--max-skips", type=int, help=limit)
    parser.add_argument("--output", required=True, type=Path, metavar="GENOTYPE.json", help="genotype to write")
    parser.add_argument("--seed", type=int, help="seed of the search, for W&B")
    step.add_experiment(parser, "name of the search, for W&B")
    arguments = parser.parse_args()
    machine = parse_argument(Machine, arguments.machine, "--machine")
    check_max_skips(arguments.max_skips)
    stage = files.read_json(arguments.stage, "stage file", "pdarts.search")
    architecture = parse(stage.get("cells") if isinstance(stage, dict) else None, str(arguments.stage))
    genotype = derive(architecture, method_behind(stage, str(arguments.stage)), arguments.max_skips)
    _check_nodes(genotype, str(arguments.stage))
    files.write_json(arguments.output, genotype.to_json())
    result_was_read(arguments.stage, stage.get("provenance", {}))

    config = {"max_skips": arguments.max_skips, "stage": stage.get("stage")}
    tracker = Invocation("derive", arguments).tracker(machine.wandb, "genotype", config)
    tracker.start(new_id())
    tracker.summary({"genotype": genotype.to_json()})
    tracker.image("cells", lambda path: draw(genotype).savefig(path))
    tracker.finish()


def _check_nodes(genotype: Genotype, where: str) -> None:
    """Refuse a cell without nodes, which a method may leave that keeps strong operations only."""
    try:
        for kind in KINDS:
            genotype.cell(kind)
    except InputError as error:
        raise InputError(
            f"{where}: {error}. No operation was strong enough; search for more epochs, or with a larger learning rate "
            "of the alphas"
        ) from error


if __name__ == "__main__":
    step.run(main)
