"""Main memory that this process can still take."""

import resource
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux keeps the limits of groups of processes, such as a container or a job of SLURM (version 2)."""


def free() -> int | None:
    """Count the bytes that this process can still take: what is free, within its own limits; None if nobody tells."""
    return min(_rooms(), default=None)


def limit() -> int | None:
    """The smallest limit of this process on its own memory, in bytes; None without any."""
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return min((value for value in limits if value != resource.RLIM_INFINITY), default=None)


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
            reclaimable = of_the_system(folder / "memory.stat", "file") or 0
            yield max(0, int(text) - int(held.read_text(encoding="ascii")) + reclaimable)


def _groups() -> Iterator[Path]:
    """Yield the folders of this process's group, and of those that it lies in, that limit memory."""
    own = Path("/proc/self/cgroup")
    lines = own.read_text(encoding="utf-8").splitlines() if own.exists() else ()
    for line in lines:
        if line.startswith("0::/"):
            group = CGROUPS / line.removeprefix("0::/")
            yield from (folder for folder in (group, *group.parents) if (folder / "memory.max").exists())
