"""Draw a random genotype: every cell of the search space is equally likely.

Retrained like the cells that searches find, random cells show what searching is worth. With --max-skips the normal
cell is drawn uniformly from those with at most so many skip connections. With the same seed, cells
with different limits, or without one, are drawn independently.
"""

from pathlib import Path

from pdarts.engine import files, step
from pdarts.engine.seeds import random_cells
from pdarts.errors import InputError
from pdarts.space.sampling import sample
from pdarts.space.topology import EDGES_KEPT, check_max_skips


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--seed", required=True, type=int, help="seed of the draw, from 0")
    limit = f"skip connections that the normal cell may have, 0 to {EDGES_KEPT} (default: any)"
    parser.add_argument("--max-skips", type=int, help=limit)
    parser.add_argument("--output", required=True, type=Path, metavar="GENOTYPE.json", help="genotype to write")
    arguments = parser.parse_args()
    seed, max_skips = arguments.seed, arguments.max_skips
    check_max_skips(max_skips)
    if seed < 0:
        raise InputError(f"--seed is {seed}; allowed: integers from 0")
    files.write_json(arguments.output, sample(random_cells(seed, max_skips), max_skips).to_json())


if __name__ == "__main__":
    step.run(main)
