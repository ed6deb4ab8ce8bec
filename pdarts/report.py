"""Set tested trainings side by side: a table as Markdown, CSV, LaTeX and a self-contained HTML page.

    python -m pdarts.report --table table.json --output-stem results/tables/mine

The file, or one line of JSON in its place, says which files each row is made of. With columns, trainings (`rows.runs`)
go by the columns' names, and the figures that the paper prints of them stand beside; without any, each has a line.
"""

from collections.abc import Sequence
from pathlib import Path

from pdarts import paths
from pdarts.checking import parse_argument
from pdarts.engine import step
from pdarts.engine.files import write_together
from pdarts.reporting.document import report
from pdarts.reporting.table_files import TableFiles


def main(words: Sequence[str] | None = None) -> None:
    """Entry point; `words` are options, those of the command line if there are none."""
    parser = step.parser(__doc__)
    parser.add_argument("--table", required=True, metavar="JSON", help="title, and the files of each row; keys below")
    step.explain(parser, "--table", TableFiles)
    step.add_output_stem(parser, paths.TABLE_FORMS)
    parser.add_argument("--partial", action="store_true", help="take the results that are there, and say what is not")
    step.add_extensions(parser)
    step.add_rehearsal(parser)
    arguments = parser.parse_args(words)
    files = parse_argument(TableFiles, arguments.table, "--table")
    forms = report(files, arguments.partial, arguments.rehearsal)
    written = {Path(f"{arguments.output_stem}.{ending}"): text.encode() for ending, text in forms.items()}
    write_together(written)
    print("\n".join(map(str, written)))


if __name__ == "__main__":
    step.run(main)
