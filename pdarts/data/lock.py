"""One process at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, which is made and stays; others wait until it is let go or its holder has ended."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
