"""Compares two folders of results file by file, and says what is equal and what differs."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from benchmarks.moved.files import read
from benchmarks.moved.values import Difference, differences

MEASURED = ("benchmark", "calibration", "logs", "moved", "report.html", "wandb")
"""What lies in a results folder besides results: times, what was printed, and reports of both."""


@dataclass(frozen=True)
class Comparison:
    """What became of each file, by its path in the results folder."""

    equal: tuple[Path, ...]
    """In all results; settings may be told otherwise."""
    differ: dict[Path, tuple[Difference, ...]]
    one_alone: tuple[Path, ...]
    other_alone: tuple[Path, ...]
    settings: Counter[Difference]
    """In how many files settings are told otherwise, that is by other keys or values."""

    @property
    def moved(self) -> bool:
        """Whether any result did."""
        return bool(self.differ or self.one_alone or self.other_alone)


def compare(one: Path, other: Path) -> Comparison:
    """Compare all results in two folders."""
    ones, others = _results(one), _results(other)
    found, settings = {}, Counter[Difference]()
    for path in sorted(ones & others):
        first, second = read(one / path), read(other / path)
        found[path] = tuple(differences(first.results, second.results))
        settings.update(differences(first.settings, second.settings))
    return Comparison(
        equal=tuple(path for path, differing in found.items() if not differing),
        differ={path: differing for path, differing in found.items() if differing},
        one_alone=tuple(sorted(ones - others)),
        other_alone=tuple(sorted(others - ones)),
        settings=settings,
    )


def _results(folder: Path) -> set[Path]:
    files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {path for path in files if path.parts[0] not in MEASURED}


def recorded(folder: Path, key: str) -> set[str]:
    """What the provenance of all results in a folder says under a key, as far as it says anything."""
    contents = [json.loads((folder / path).read_bytes()) for path in _results(folder) if path.suffix == ".json"]
    return {str(found) for content in contents if (found := content.get("provenance", {}).get(key)) is not None}


def told(comparison: Comparison, one: str, other: str) -> Iterator[str]:
    """Lines that say it: all files by folder, of each that differs the first difference, and settings.

    Args:
        comparison: of two folders.
        one: what to call the first.
        other: what to call the second.
    """
    yield f"equal files: {len(comparison.equal)}"
    yield from _by_folder(comparison.equal)
    yield f"files that differ ({one} | {other}): {len(comparison.differ)}"
    for path, (first, *others) in comparison.differ.items():
        yield f"  {path}"
        yield f"    {first.where}: {first.how}" + (f"; and {len(others)} more" if others else "")
    for name, alone in ((one, comparison.one_alone), (other, comparison.other_alone)):
        yield f"files only in {name}: {len(alone)}"
        yield from _by_folder(alone)
    yield f"settings told otherwise, in equal files and others ({one} | {other}): {len(comparison.settings)}"
    for (where, how), count in comparison.settings.items():
        yield f"  {where}: {how} ({count} ×)"


def _by_folder(paths: Iterable[Path]) -> Iterator[str]:
    for folder, those in groupby(sorted(paths, key=lambda path: (path.parent, path.name)), lambda path: path.parent):
        yield f"  {folder}: {' '.join(path.name for path in those)}"
