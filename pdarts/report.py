"""Set tested trainings side by side: a table as Markdown, CSV, LaTeX and a self-contained HTML page.

    python -m pdarts.report --table table.json --output-stem results/tables/mine

where table.json, or the same as one line of JSON in its place, says which files each row is made of:
    {"title": "My table",
     "rows": [{"architecture": "P-DARTS",
               "tests": ["seed0/test.json", "seed1/test.json"],
               "metrics": ["seed0/metrics.jsonl", "seed1/metrics.jsonl"],
               "searches": [["stage1.json", "stage2.json", "stage3.json"]],
               "cells": ["genotype.svg"],
               "curves": ["search.svg", "training.svg"]}]}
"""

from pathlib import Path

from pdarts.engine import step
from pdarts.engine.files import write_text
from pdarts.reporting.report import report
from pdarts.reporting.rows import TableFiles
from pdarts.settings import parse_argument


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--table", required=True, metavar="JSON", help="title, and the files of each row; as above")
    parser.add_argument(
        "--output-stem", required=True, metavar="STEM", help="STEM.md, STEM.csv, STEM.tex and STEM.html are written"
    )
    arguments = parser.parse_args()
    files = parse_argument(TableFiles, arguments.table, "--table")
    for suffix, text in report(files).items():
        path = Path(f"{arguments.output_stem}.{suffix}")
        write_text(path, text)
        print(path)


if __name__ == "__main__":
    step.run(main)
