"""Look for the files of a public data set, and fetch them where they are missing and the network allows it.

On a cluster this runs where Snakemake runs; the jobs on its nodes then need no internet. Nothing is verified here:
`pdarts.prepare` does that before anything reads the files.
"""

from pathlib import Path

from pdarts.checking import parse_argument, suggestion
from pdarts.data.catalog import SOURCES
from pdarts.engine import files, step
from pdarts.errors import InputError
from pdarts.settings.machine import Machine


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--source", required=True, help="name of the data set, such as cifar10")
    parser.add_argument("--output", required=True, type=Path, metavar="FILES.json", help="names of the files, to write")
    step.add_machine(parser)
    arguments = parser.parse_args()
    machine = parse_argument(Machine, arguments.machine, "--machine")
    if arguments.source not in SOURCES:
        raise InputError(f"--source is {arguments.source!r}{suggestion(arguments.source, SOURCES)}")
    files_in, root = SOURCES[arguments.source].files, Path(machine.data_root(arguments.source))
    public = files_in(root) if files_in else None
    names = sorted(public.paths(public.locations, machine.download)) if public else []
    files.write_json(arguments.output, {"source": arguments.source, "files": names})


if __name__ == "__main__":
    step.run(main)
