"""Draw both cells of a genotype.

python -m pdarts.draw --genotype genotype.json --output cells.svg
"""

from collections.abc import Sequence
from pathlib import Path

from pdarts.engine import step
from pdarts.reporting.cell_drawing import draw
from pdarts.reporting.figures import save
from pdarts.space import genotype_file


def main(words: Sequence[str] | None = None) -> None:
    """Entry point; `words` are options, those of the command line if there are none."""
    parser = step.parser(__doc__)
    parser.add_argument("--genotype", required=True, type=Path, help="genotype file")
    parser.add_argument("--output", required=True, type=Path, help="figure to write: .svg, .pdf or .png")
    step.add_extensions(parser)
    step.add_rehearsal(parser)
    arguments = parser.parse_args(words)
    save(draw(genotype_file.read(arguments.genotype)), arguments.output, arguments.rehearsal)


if __name__ == "__main__":
    step.run(main)
