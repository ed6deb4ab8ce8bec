"""Reads results files as what must be equal: without measured times and provenance, and settings apart."""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

MEASURED = ("seconds", "training_seconds", "provenance", "training_provenance")
"""Keys at the top of JSON and weights files, and of each line of metrics."""

SETTINGS = ("settings", "recipe", "network")
"""Keys at the top of JSON and weights files that hold what a result was asked for."""

MEASURED_COLUMNS = (
    "search_seconds",
    "search_gpu_days",
    "validation_seconds",
    "validation_gpu_days",
    "training_seconds",
    "training_gpu_days",
    "end_to_end_device_days",
)
"""Of tables as CSV."""

TIMES = re.compile(r"(?<![\w.,-])\d[\d,]*(\.\d+)?(e-?\d+)?[ \N{NO-BREAK SPACE}~](s|min|h|device-days)\b")
"""Durations as tables print them of what ran on CPUs."""

MINUTE = r"\d{4}-\d\d-\d\d \d\d:\d\d"
ORIGINS = re.compile(rf"{MINUTE}( to {MINUTE})?|\bcommit [0-9a-f]{{12}}, (clean|with uncommitted changes)")
"""When results were started and by what code, as pages print it."""


class Content(NamedTuple):
    """What a file holds."""

    results: Any
    settings: Mapping[str, Any]


def read(path: Path) -> Content:
    """What a file holds besides measured times and provenance; of a file of another form, the digest of its bytes."""
    return _READERS.get(path.suffix, _bytes)(path)


def _json(path: Path) -> Content:
    return _parted(json.loads(path.read_text(encoding="utf-8")))


def _weights(path: Path) -> Content:
    return _parted(torch.load(path, map_location="cpu", weights_only=True))


def _parted(content: Any) -> Content:
    if not isinstance(content, dict):
        return Content(content, {})
    settings = {key: value for key, value in content.items() if key in SETTINGS}
    return Content({key: value for key, value in _unmeasured(content).items() if key not in SETTINGS}, settings)


def _unmeasured(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in MEASURED}


def _json_lines(path: Path) -> Content:
    lines = path.read_text(encoding="utf-8").splitlines()
    return Content(_numbered("line", [_unmeasured(json.loads(line)) for line in lines]), {})


def _csv(path: Path) -> Content:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kept = [{key: value for key, value in row.items() if key not in MEASURED_COLUMNS} for row in rows]
    return Content(_numbered("row", kept), {})


def _text(path: Path) -> Content:
    return Content(_numbered("line", path.read_text(encoding="utf-8").splitlines()), {})


def _latex(path: Path) -> Content:
    return Content(_numbered("line", untimed(path.read_text(encoding="utf-8")).splitlines()), {})


def _markdown(path: Path) -> Content:
    """Columns of a table are as wide as the times in them, so spaces and rules do not count."""
    text = re.sub(r"--+", "--", re.sub(r"  +", " ", untimed(path.read_text(encoding="utf-8"))))
    return Content(_numbered("line", text.splitlines()), {})


def _page(path: Path) -> Content:
    """Drawings count as they are; there is no time in them."""
    parts = re.split(r"(<svg\b.*?</svg>)", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    parts[::2] = [ORIGINS.sub("(origin)", untimed(part)) for part in parts[::2]]
    return Content(_numbered("line", "".join(parts).splitlines()), {})


def untimed(text: str) -> str:
    """Text with its times blanked; of costs in a cell, one for each column, those count once that are then the same."""
    return re.sub(r"([^|&<>\n]*?\(time\)[^|&<>\n]*?)( / \1)+", r"\1", TIMES.sub("(time)", text))


def _numbered(what: str, values: Iterable[Any]) -> dict[str, Any]:
    return {f"{what} {number}": value for number, value in enumerate(values, 1)}


def _bytes(path: Path) -> Content:
    return Content({"SHA-256": hashlib.sha256(path.read_bytes()).hexdigest()}, {})


_READERS: dict[str, Callable[[Path], Content]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".pt": _weights,
    ".csv": _csv,
    ".md": _markdown,
    ".tex": _latex,
    ".html": _page,
    ".svg": _text,
}
