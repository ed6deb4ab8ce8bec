"""Lets one process at a time into a section of code."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on the file `path`, which is created and stays; others wait until its holder releases it or ends."""
    with path.open("a") as file:
        hold(file, f"{path.parent}: waiting for another process that works in this folder")
        yield


def hold(file: IO[str], waiting: str) -> None:
    """Lock an open file until it is closed. Where the file system has no locks, nothing is waited for.

    Args:
        file: the file.
        waiting: what is said on standard error if another process holds it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(waiting, file=sys.stderr, flush=True)
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        return  # no locks here
