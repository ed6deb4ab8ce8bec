"""How steps of several processes are started in tests."""

import sys
from pathlib import Path


def torchrun(processes: int, python: str = sys.executable) -> list[str]:
    """The command that starts a module in so many processes; its name and arguments come behind."""
    return [str(Path(python).with_name("torchrun")), "--standalone", "--nproc-per-node", str(processes), "-m"]
