"""How steps share the GPUs of a machine: each that starts takes the GPU with the fewest of them.

A step marks its GPU by a file that it holds locked. The system frees the lock when the step ends, however it ends.
"""

import fcntl
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_MARKS: list[IO[str]] = []
"""Open, and so locked, until this process ends."""


def take(names: Sequence[str], own: int | None = None) -> int:
    """Choose the GPU with the fewest steps, and mark it as used by this process.

    Where files cannot be locked, it is the first GPU.

    Args:
        names: names of the GPUs to choose from, which are the same in all steps.
        own: index of the GPU that this process has in any case, and only marks; None chooses one.

    Returns:
        The index of its name.
    """
    folder = Path(tempfile.gettempdir()) / f"pdarts-gpus-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one process after the other, so that no two choose the same
            steps = _steps(folder)
            index = min(range(len(names)), key=lambda index: steps[names[index]]) if own is None else own
            mark = tempfile.NamedTemporaryFile("w", prefix=f"{names[index]},", dir=folder, delete=False)  # noqa: SIM115
            fcntl.flock(mark, fcntl.LOCK_EX)
            _MARKS.append(mark)
    except OSError:
        return own or 0
    return index


def _steps(folder: Path) -> Counter[str]:
    """Count the steps at work on each GPU, and remove what ended steps have left."""
    found: Counter[str] = Counter()
    for path in folder.glob("*,*"):
        with path.open("a") as mark:
            try:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            except BlockingIOError:
                found[path.name.partition(",")[0]] += 1
    return found
