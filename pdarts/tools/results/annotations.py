"""Notes that are added to the provenance of finished results."""

from pathlib import Path
from typing import Any

from pdarts.engine import files
from pdarts.nets import saved


def note(path: Path, key: str, entry: dict[str, Any]) -> None:
    """Add `entry` to the list `key` of the provenance in a result, if it holds one.

    A test repeats the provenance of its training, so weights pass the note on.
    """
    if path.suffix == ".pt":
        content = saved.load(path)
        _add(content["provenance"], key, entry)
        files.write_bytes(path, saved.dump(content))
        _note_json(path.with_name("test.json"), "training_provenance", key, entry)
    elif path.suffix == ".json":
        _note_json(path, "provenance", key, entry)


def rehearsed(path: Path) -> bool:
    """Whether a finished result says that it is a rehearsal's."""
    if path.suffix == ".pt":
        records = [saved.load(path)["provenance"]]
    elif path.suffix == ".json":
        value = files.read_json(path, "result", "the step that wrote it")
        records = [value.get(part) for part in ("provenance", "training_provenance")] if isinstance(value, dict) else []
    else:
        records = []
    return any(record and record.get("rehearsal") for record in records)


def _note_json(path: Path, part: str, key: str, entry: dict[str, Any]) -> None:
    if path.exists() and part in (result := files.read_json(path, "result", "the step that wrote it")):
        _add(result[part], key, entry)
        files.write_json(path, result)


def _add(provenance: dict[str, Any], key: str, entry: dict[str, Any]) -> None:
    provenance[key] = [*provenance.get(key, []), entry]
