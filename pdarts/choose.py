"""Choose one of several searches that differ in their seed, and copy its genotype; or one of several random cells.

Every genotype was trained for a short time on a part of the training images, for a search those that trained weights in
it, and scored on the other training images. The best accuracy wins, on a tie the lowest seed; no test image decides. A
single search needs no validation. Random cells stand under the numbers of their draws.
"""

from pathlib import Path

import torch

from pdarts.engine import files, step
from pdarts.engine.invocation import Invocation
from pdarts.errors import InputError
from pdarts.progressive.choice import choose
from pdarts.space import genotype_file


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--seeds", required=True, nargs="+", type=int, help="seed of each search")
    parser.add_argument(
        "--genotypes", required=True, nargs="+", type=Path, metavar="GENOTYPE", help="by pdarts.derive, for each"
    )
    parser.add_argument(
        "--validations",
        nargs="*",
        default=[],
        type=Path,
        metavar="TEST.json",
        help="by pdarts.test; of one seed none",
    )
    parser.add_argument("--output", required=True, type=Path, metavar="GENOTYPE.json", help="genotype to write")
    parser.add_argument("--choice", required=True, type=Path, metavar="CHOICE.json", help="which seed it is, and why")
    step.add_extensions(parser)
    step.add_rehearsal(parser)
    arguments = parser.parse_args()
    invocation = Invocation("choose", arguments)
    seeds, genotypes, validations = arguments.seeds, arguments.genotypes, arguments.validations
    if len(genotypes) != len(seeds) or len(validations) != (len(seeds) if len(seeds) > 1 else 0):
        raise InputError(
            f"--seeds has {len(seeds)}, --genotypes {len(genotypes)} and --validations {len(validations)} values; "
            "allowed: a genotype and, where there are several seeds, a validation for each"
        )
    choice = choose(seeds, validations)
    chosen = genotypes[seeds.index(choice["seed"])]
    files.write_json(arguments.output, genotype_file.read(chosen).to_json())
    inputs = dict(zip((f"seed{seed}" for seed in seeds), validations, strict=False))
    provenance = invocation.provenance(torch.device("cpu"), inputs)
    files.write_json(arguments.choice, {**choice, "provenance": provenance})


if __name__ == "__main__":
    step.run(main)
