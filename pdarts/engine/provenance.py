"""Where a result comes from: code, versions, device, time."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from pdarts.engine.device import device_name

PACKAGE = Path(__file__).parents[1]


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def provenance(device: torch.device, started: datetime) -> dict[str, Any]:
    """What stands under `provenance` in every result."""
    return {
        "version": _version("pdarts"),
        **code_version(),
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "torchvision", "snakemake")},
        "device": device_name(device),
        "device_type": device.type,
        "threads": torch.get_num_threads(),
        "processes": 1,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((now() - started).total_seconds(), 3),
    }


def code_version() -> dict[str, Any]:
    """Commit of the checkout that the package lies in, and whether the code is as committed; null outside of git."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
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
