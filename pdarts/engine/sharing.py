"""How steps share the GPUs of a machine: each that starts takes the GPU with the fewest of them.

A step marks its GPU by a file that it holds locked. The system frees the lock when the step ends, however it ends.
"""

import fcntl
import os
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_MARKS: list[IO[str]] = []
"""Open, and so locked, until this process ends."""


def take(names: Sequence[str], step: int, number: int = 0) -> int:
    """Choose the GPU with the fewest steps, and mark it as used by this process.

    Processes of one step choose different GPUs as long as there are enough. Where files cannot be locked, each takes
    the one at its number.

    Args:
        names: names of the GPUs to choose from, which are the same in all steps.
        step: ID of a process that stands for the step.
        number: number of this process among those of its step.

    Returns:
        The index of its name.
    """
    folder = Path(tempfile.gettempdir()) / f"pdarts-gpus-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one process after the other, so that no two choose the same
            steps = _steps(folder)
            index = min(range(len(names)), key=lambda index: (step in steps[names[index]], len(steps[names[index]])))
            mark = tempfile.NamedTemporaryFile("w", prefix=f"{names[index]},{step},", dir=folder, delete=False)  # noqa: SIM115
            fcntl.flock(mark, fcntl.LOCK_EX)
            _MARKS.append(mark)
    except OSError:
        return number
    return index


def _steps(folder: Path) -> defaultdict[str, list[int]]:
    """List the steps at work on each GPU, and remove what ended steps have left."""
    found = defaultdict[str, list[int]](list)
    for path in folder.glob("*,*,*"):
        with path.open("a") as mark:
            try:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            except BlockingIOError:
                name, step, _ = path.name.split(",")
                found[name].append(int(step))
    return found
