"""Main memory: what this process can still take, what it failed to take, and whom the system killed for it."""

import errno
import re
import resource
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux keeps the limits of groups of processes, such as a container or a job of SLURM (version 2)."""
ADVICE = "a smaller batch_size, machine.recompute: true, precision: bfloat16 and fewer machine.workers need less"
"""What to do about a lack of memory."""


def free() -> int | None:
    """Count the bytes that this process can still take: what is free, within its own limits; None if nobody tells."""
    return min(_rooms(), default=None)


def limit() -> int | None:
    """The smallest limit of this process on its own memory, in bytes; None without any."""
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return min((value for value in limits if value != resource.RLIM_INFINITY), default=None)


def lack(error: BaseException) -> str | None:
    """Describe an allocation that failed, on any device, and what there is; None if `error` is something else."""
    text = str(error)
    if type(error).__name__ == "OutOfMemoryError":  # of torch, which not every step imports
        return ". ".join(text.split(". ")[:3])
    failed = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    if not failed and not (isinstance(error, RuntimeError) and re.search(r"can't allocate memory|bad_alloc", text)):
        return None
    asked = re.search(r"allocate (\d+) bytes", text)
    return f"{_gigabytes(int(asked[1]))} were asked for, {_available()}" if asked else _available()


def kills() -> tuple[str, int] | None:
    """Count the processes that the system has killed for lack of memory since it started; None if it does not tell.

    The first value names this start of this system: counts of another one say nothing.
    """
    start, count = Path("/proc/sys/kernel/random/boot_id"), of_the_system("/proc/vmstat", "oom_kill")
    return (start.read_text(encoding="ascii").strip(), count) if start.exists() and count is not None else None


def of_the_system(file: str | Path, name: str) -> int | None:
    """Read a number from a file of Linux that has a name and a number in each line; None without file or name."""
    path = Path(file)
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else ()
    return next((int(line.split()[1]) for line in lines if line.split()[0] == name), None)


def _rooms() -> Iterator[int]:
    if (available := of_the_system("/proc/meminfo", "MemAvailable:")) is not None:
        yield 1024 * available
    for kind, used in ((resource.RLIMIT_AS, "VmSize:"), (resource.RLIMIT_DATA, "VmData:")):
        limit, taken = resource.getrlimit(kind)[0], of_the_system("/proc/self/status", used)
        if limit != resource.RLIM_INFINITY and taken is not None:
            yield max(0, limit - 1024 * taken)
    for folder in _groups():
        held, text = folder / "memory.current", (folder / "memory.max").read_text(encoding="ascii").strip()
        if text != "max" and held.exists():
            cached, shared = (of_the_system(folder / "memory.stat", name) or 0 for name in ("file", "shmem"))
            yield max(0, int(text) - int(held.read_text(encoding="ascii")) + cached - shared)


def _groups() -> Iterator[Path]:
    """Yield the folders of this process's group, and of those that it lies in, that limit memory."""
    own = Path("/proc/self/cgroup")
    lines = own.read_text(encoding="utf-8").splitlines() if own.exists() else ()
    for line in lines:
        if line.startswith("0::/"):
            group = CGROUPS / line.removeprefix("0::/")
            yield from (folder for folder in (group, *group.parents) if (folder / "memory.max").exists())


def _available() -> str:
    """Describe the main memory that is free, and the limit of this process if it has one."""
    parts = []
    if (available := of_the_system("/proc/meminfo", "MemAvailable:")) is not None:
        parts.append(f"{_gigabytes(1024 * available)} are free")
    if (most := limit()) is not None:
        parts.append(f"this process may take {_gigabytes(most)}")
    return ", ".join(parts) or "nothing is free"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size < 1e10 else f"{size / 1e9:.0f} GB"
