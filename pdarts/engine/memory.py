"""Lack of memory: what an allocation asked for and what there is, and whether the system killed processes for it."""

import errno
import re
from pathlib import Path

from pdarts import memory

ADVICE = "a smaller batch_size, machine.recompute: true, precision: bfloat16 and fewer machine.workers need less"


def lack_of_memory(error: BaseException) -> str | None:
    """Describe an allocation that failed, on any device; None if `error` is something else."""
    text = str(error)
    if type(error).__name__ == "OutOfMemoryError":  # of torch, which not every step imports
        return ". ".join(text.split(". ")[:3])
    failed = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    if not failed and not (isinstance(error, RuntimeError) and re.search(r"can't allocate memory|bad_alloc", text)):
        return None
    asked = re.search(r"allocate (\d+) bytes", text)
    return f"{_gigabytes(int(asked[1]))} were asked for, {_available()}" if asked else _available()


def _available() -> str:
    """Describe the main memory that is free, and the limit of this process if it has one."""
    parts = []
    if (free := memory.of_the_system("/proc/meminfo", "MemAvailable:")) is not None:
        parts.append(f"{_gigabytes(1024 * free)} are free")
    if (limit := memory.limit()) is not None:
        parts.append(f"this process may take {_gigabytes(limit)}")
    return ", ".join(parts) or "nothing is free"


def kills() -> tuple[str, int] | None:
    """Count the processes that the system has killed for lack of memory since it started; None if it does not tell.

    The first value names this start of this system: counts of another one say nothing.
    """
    start, count = Path("/proc/sys/kernel/random/boot_id"), memory.of_the_system("/proc/vmstat", "oom_kill")
    return (start.read_text(encoding="ascii").strip(), count) if start.exists() and count is not None else None


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size < 1e10 else f"{size / 1e9:.0f} GB"
