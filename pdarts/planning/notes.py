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


def _note_json(path: Path, part: str, key: str, entry: dict[str, Any]) -> None:
    if path.exists() and part in (result := files.read_json(path, "result", "the step that wrote it")):
        _add(result[part], key, entry)
        files.write_json(path, result)


def _add(provenance: dict[str, Any], key: str, entry: dict[str, Any]) -> None:
    provenance[key] = [*provenance.get(key, []), entry]
