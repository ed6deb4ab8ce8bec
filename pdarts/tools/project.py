"""Folders that have links to the project, and results of their own."""

import os
from collections.abc import Iterable
from pathlib import Path

from pdarts.errors import InputError

ROOT = Path(__file__).parents[2]
"""Folder of the project that runs."""
READ = ("Snakefile", "rules", "pdarts", "envs", "docs", "profiles")
"""Files and folders that the workflow reads, besides `config.yaml`."""


def link(folder: Path, names: Iterable[str]) -> None:
    """Put links into a folder, to what has these names in the project's; what is there already stays as it is.

    A missing folder is made.

    Raises:
        InputError: if the package that runs does not lie in the project's folder, or `folder` is that itself.
    """
    if not (ROOT / "Snakefile").exists():
        raise InputError(
            f"{ROOT} has no Snakefile; call this in a clone of the project's repository, "
            "because the installed package has no workflow"
        )
    if folder.resolve() == ROOT.resolve():
        raise InputError(
            f"{folder} is the folder of the project; name one that has a config.yaml and results of its own"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        entry = folder / name
        if entry.is_symlink() and not entry.exists():
            entry.unlink()
        if not os.path.lexists(entry):
            entry.symlink_to(os.path.relpath(ROOT / name, folder.resolve()))
