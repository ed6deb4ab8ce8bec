"""The provenance of results: code, versions, device, time."""

import hashlib
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from pdarts.engine import distributed
from pdarts.engine.device import device_name
from pdarts.sources import fingerprint

PACKAGE = Path(__file__).parents[1]


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def provenance(
    device: torch.device,
    started: datetime,
    *,
    step: str,
    code: Mapping[str, Any],
    seed: int | None = None,
    inputs: Mapping[str, Path | None] | None = None,
    rehearsal: bool = False,
) -> dict[str, Any]:
    """The value of `provenance` in a result, with wall time (`seconds`) and CPU time of this process in all threads.

    Args:
        device: the device that computed it.
        started: the time at which its step began.
        step: name of the step, such as `search`.
        code: what `code_of` said when it began.
        seed: seed of the step, if it has one.
        inputs: text files that it read, by the option that named them; None where one was left out.
        rehearsal: whether the step rehearses, so that its result counts for nothing.
    """
    return {
        "version": _version("pdarts"),
        "rehearsal": rehearsal,
        "step": step,
        **code,
        "seed": seed,
        "inputs": {name: content_digest(path) for name, path in (inputs or {}).items() if path is not None},
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "torchvision", "snakemake")},
        "device": device_name(device),
        "device_type": device.type,
        "threads": torch.get_num_threads(),
        "processes": distributed.processes(),
        "memory": peak_memory(device),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((now() - started).total_seconds(), 3),
        "cpu_seconds": round(time.process_time(), 3),
    }


def code_of(step: str, method: str | None = None, extensions: Iterable[str] = ()) -> dict[str, Any]:
    """Name the code of a step as it is now: its hash, and the commit; while the step runs, files may be edited.

    Args:
        step: name of the step.
        method: method of search whose code is part of the step's; None if there is none.
        extensions: files of the user whose code is part of the step's too.
    """
    return {"code": fingerprint(step, method, extensions=extensions), **code_version()}


def content_digest(path: Path) -> str:
    """SHA-256 of the content of a JSON file, without its provenance and regardless of its layout; of others' text."""
    content: Any = path.read_text(encoding="utf-8")
    with suppress(ValueError):
        content = json.loads(content)
    if isinstance(content, dict):
        content = {key: held for key, held in content.items() if key != "provenance"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def peak_memory(device: torch.device) -> int:
    """Peak memory of this process in bytes: of the GPU if `device` is one, else main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # kilobytes everywhere else


def code_version() -> dict[str, Any]:
    """Commit of the checkout that contains the package, and whether the code is as committed; None outside of git.

    An environment may lie in a repository of the user's, which does not track the package that is installed in it.
    """
    commit = _git("rev-parse", "HEAD")
    if commit is None or _git("ls-files", "--error-unmatch", "sources.py") is None:
        return {"commit": None, "clean": None}
    changed = _git("status", "--porcelain", "--", ".", "../Snakefile", "../rules")
    return {"commit": commit, "clean": changed == ""}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", PACKAGE, *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
