"""Derive the genotype that a stage's architecture weights stand for.

The method that searched decides which operation counts on every edge, and which edges on every node. Where the normal
cell has more skip connections than allowed, the weakest one is struck out and the cell is chosen again.
"""

from pathlib import Path
from typing import Any

from pdarts.checking import parse_argument
from pdarts.engine import files, step
from pdarts.engine.tracking import Tracker, new_id
from pdarts.errors import InputError
from pdarts.progressive.method import method_behind
from pdarts.progressive.refinement import derive
from pdarts.reporting.cell_drawing import draw
from pdarts.settings.machine import Machine
from pdarts.space.architecture import parse
from pdarts.space.genotype import Genotype
from pdarts.space.topology import KINDS


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--stage", required=True, type=Path, metavar="STAGE.json", help="stage file by pdarts.search")
    parser.add_argument("--max-skips", type=int, help="skip connections left in the normal cell, 0 to 8 (default: any)")
    parser.add_argument("--output", required=True, type=Path, metavar="GENOTYPE.json", help="genotype to write")
    parser.add_argument("--experiment", default="by-hand", help="name of the search, for W&B")
    parser.add_argument("--seed", type=int, help="seed of the search, for W&B")
    step.add_extensions(parser)
    step.add_machine(parser)
    step.add_rehearsal(parser)
    arguments = parser.parse_args()
    machine = parse_argument(Machine, arguments.machine, "--machine")
    if arguments.max_skips is not None and not 0 <= arguments.max_skips <= 8:
        raise InputError(f"--max-skips is {arguments.max_skips}; allowed: 0 to 8, the edges of a cell, or leave it out")
    stage = files.read_json(arguments.stage, "stage file", "pdarts.search")
    architecture = parse(stage.get("cells") if isinstance(stage, dict) else None, str(arguments.stage))
    genotype = derive(architecture, method_behind(stage, str(arguments.stage)), arguments.max_skips)
    _check_nodes(genotype, str(arguments.stage))
    files.write_json(arguments.output, genotype.to_json())
    config = {"seed": arguments.seed, "max_skips": arguments.max_skips, "stage": stage.get("stage")}
    _track(genotype, machine, arguments.experiment, config, arguments.rehearsal)


def _check_nodes(genotype: Genotype, where: str) -> None:
    """Refuse a cell without nodes, as a method leaves it that keeps only operations which are strong enough."""
    try:
        for kind in KINDS:
            genotype.cell(kind)
    except InputError as error:
        raise InputError(
            f"{where}: {error}. No operation was strong enough; search for more epochs, or with a larger learning rate "
            "of the alphas"
        ) from error


def _track(genotype: Genotype, machine: Machine, experiment: str, config: dict[str, Any], rehearsal: bool) -> None:
    name = f"{experiment} seed {config['seed']} genotype"
    tracker = Tracker(machine.wandb, "derive", experiment, name, config, rehearsal)
    tracker.start(new_id())
    tracker.summary({"genotype": genotype.to_json()})
    tracker.image("cells", lambda path: draw(genotype).savefig(path))
    tracker.finish()


if __name__ == "__main__":
    step.run(main)
