"""List files in results/ that belong to nothing in the config, and delete them if asked.

    python -m pdarts.tools.tidy
    python -m pdarts.tools.tidy --delete

A file belongs to the config if it is that of a declared dataset, search, random search, training, checkpoint or table,
and of one of its seeds, stages and draws; a resume file, until the step has finished. Calibrations, W&B's runs and the
report stay. Give the files of your own settings as for snakemake: without them, files that only they declare look
undeclared.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pdarts.engine import step
from pdarts.errors import InputError, counted
from pdarts.paths import RESULTS
from pdarts.tools.cost.listing import gigabytes
from pdarts.tools.declared import belongs, read_project
from pdarts.tools.workflow import add_config


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    add_config(parser)
    parser.add_argument("--delete", action="store_true", help="delete what is listed")
    arguments = parser.parse_args()
    config = read_project(arguments.configfile, arguments.config)
    files = [path for path in _files(RESULTS) if _left_over(path) or not belongs(path, config)]
    if not files:
        print("everything in results/ belongs to the config")
        return
    size = sum(path.lstat().st_size for path in files)
    if arguments.delete:
        if any(Path(".snakemake/locks").glob("*")):
            raise InputError("a run is under way here; delete nothing before it has ended")
        for path in files:
            path.unlink()
        _remove_empty(RESULTS)
    heading = "deleted:" if arguments.delete else "no entry of the config makes these files:"
    print(heading, *(f"  {path}" for path in files), sep="\n")
    print(f"{counted(len(files), 'file')}, {gigabytes(size)}" + ("" if arguments.delete else "; --delete removes them"))


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder, in order."""
    return (path for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file())


def _left_over(path: Path) -> bool:
    """Whether a file is half a file of a step that was killed, or a resume file, with its notes, of a finished one."""
    if re.fullmatch(r"\..+\.\d+\.part", path.name):
        return True
    output, resume, _ = path.name.partition(".resume")
    return bool(resume) and path.with_name(output).exists()


def _remove_empty(folder: Path) -> None:
    """Remove folders without files below `folder`, which stays."""
    for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()


if __name__ == "__main__":
    step.run(main)
