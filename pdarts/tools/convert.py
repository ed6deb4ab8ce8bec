"""Write a genotype file in another form.

    python -m pdarts.tools.convert --genotype log.txt --line 210 --form pdarts --output cells/mine.json

All forms are read, as by every step that takes a genotype. Of the forms to write, `pdarts` is the JSON of this
project, `printed` is Genotype(normal=[('sep_conv_3x3', 0), …], …) as Python prints it, and `nasbench301` is the JSON of
NAS-Bench-301, in which each node has two edges, listed by source.
"""

from pathlib import Path

from pdarts.engine import files, step
from pdarts.errors import warn
from pdarts.space import genotype_file
from pdarts.space.forms import writing
from pdarts.space.topology import KINDS


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--genotype", required=True, type=Path, metavar="FILE", help="genotype file of any form")
    line = "line on which the genotype begins, from 1, where the file has several"
    parser.add_argument("--line", type=int, help=line)
    forms = ("pdarts", "printed", "nasbench301")
    parser.add_argument("--form", required=True, choices=forms, help="form to write")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="file to write")
    step.add_extensions(parser)
    arguments = parser.parse_args()
    genotype = genotype_file.read(arguments.genotype, arguments.line)
    match arguments.form:
        case "pdarts":
            files.write_json(arguments.output, genotype.to_json())
        case "printed":
            files.write_text(arguments.output, writing.printed(genotype) + "\n")
        case "nasbench301":
            files.write_json(arguments.output, writing.nasbench301(genotype))
            if any(genotype.cell(kind).drops_nodes for kind in KINDS):
                warn(
                    f"{arguments.genotype} lists [operation, target, source], and this form has only pairs: read back, "
                    "its drop path acts on operations instead of nodes"
                )


if __name__ == "__main__":
    step.run(main)
