"""Time units of work in processes of their own.

The peak memory of a unit is that of its process, and an iteration that never ends, or does not fit into memory, ends
only this process. Another one then times the kinds of iterations that are left.
"""

import multiprocessing
import statistics
from collections import defaultdict
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from pdarts.settings.machine import Machine
from pdarts.tools.cost.stopwatch import Together
from pdarts.tools.cost.timing import KINDS_OF_STEPS, child
from pdarts.tools.cost.work import Work


def measure(work: Work, machine: Machine, limit: float, patience: float, copies: int = 1) -> dict[str, Any]:
    """Time the iterations of one unit of work.

    Args:
        work: the unit to time.
        machine: the device to time it on.
        limit: seconds after which no further iteration of a kind begins.
        patience: seconds after which a kind of iteration is given up if two of them have not ended.
        copies: processes that do the same work on the device at once.

    Returns:
        `unit`, `timings` by kind of iteration (seconds; `memory` is the peak of a process in bytes), `weights_bytes` of
        a training, `not_measured` (reasons by kind of iteration) and `provenance`.
    """
    found: dict[str, Any] = {"unit": work.unit, "timings": {}, "not_measured": {}}
    waiting = [*work.decoding, *KINDS_OF_STEPS[work.step]]
    while waiting:
        reason = _measure(work, waiting, machine, limit, patience, copies, found)
        if waiting:
            found["not_measured"][waiting.pop(0)] = reason
    return found


def _measure(
    work: Work,
    waiting: list[str],
    machine: Machine,
    limit: float,
    patience: float,
    copies: int,
    found: dict[str, Any],
) -> str:
    """Time kinds of iterations in one set of processes, take them from `waiting`, return why the next one failed."""
    context = multiprocessing.get_context("spawn")
    together = Together(copies, context)
    processes: dict[Connection, BaseProcess] = {}
    for _ in range(copies):
        receiving, sending = context.Pipe(duplex=False)
        arguments = (sending, work, list(waiting), machine, limit, together)
        processes[receiving] = context.Process(target=child, args=arguments)
        processes[receiving].start()
        sending.close()
    values: dict[str, list[Any]] = defaultdict(list)
    open_ends = list(processes)
    try:
        while waiting and (ready := wait(open_ends, patience)):
            for end in ready:
                assert isinstance(end, Connection)
                try:
                    name, value = end.recv()
                except EOFError:
                    open_ends.remove(end)
                    if waiting and (reason := why_it_ended(processes[end])):
                        return reason
                    continue
                if name == "failed":
                    return str(value)
                values[name].append(value)
                if name in waiting and len(values[name]) == copies:
                    found["timings"][name] = merged(values[name])
                    waiting.remove(name)
                elif name not in waiting:
                    found[name] = value
    finally:
        for process in processes.values():
            process.kill()
            process.join()
    return f"two iterations did not end within {patience:g} seconds"


def why_it_ended(process: BaseProcess) -> str:
    """Say why a process has ended; empty if it had done all."""
    process.join()
    if process.exitcode == 0:
        return ""
    if process.exitcode == 1:
        return "its process failed, with the message above"
    return "its process was ended, most likely since memory ran out"


def merged(timings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Make one timing of those that all copies had of the same kind of iteration."""
    return timings[0] | {
        "n": sum(timing["n"] for timing in timings),
        "median": statistics.median(timing["median"] for timing in timings),
        **{key: max(timing[key] for timing in timings) for key in ("max", "first", "memory")},
        "min": min(timing["min"] for timing in timings),
    }
