"""Lets one process at a time into a section of code."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pdarts.errors import warn


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on the file `path`, which is created and stays; others wait until its holder releases it or ends."""
    with path.open("a") as file:
        if not taken(file):
            print(f"{path.parent}: waiting for another process that works in this folder", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def taken(file: IO[str]) -> bool:
    """Lock an open file until it is closed; False if another process holds it.

    Where the file system has no locks, a warning says so, and the file counts as locked.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        warn(
            f"{file.name} cannot be locked ({error.strerror}), so nothing keeps two processes from the same work; end "
            "an earlier one that is still at it"
        )
    return True
