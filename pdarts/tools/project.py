"""Folders that have links to the project, and results of their own."""

import os
from collections.abc import Iterable
from pathlib import Path

READ = ("Snakefile", "rules", "pdarts", "envs", "docs", "profiles")
"""Files and folders that the workflow reads, besides `config.yaml`."""


def link(folder: Path, names: Iterable[str]) -> None:
    """Put links into a folder, to what has these names in the project's; what is there already stays as it is."""
    for name in names:
        if not os.path.lexists(folder / name):
            (folder / name).symlink_to(os.path.relpath(name, folder))
