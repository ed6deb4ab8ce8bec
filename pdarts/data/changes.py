"""Tells whether images were added to an image folder, or taken from it, since `pdarts.prepare` made its index.

`pdarts.prepare` notes of every folder when it was changed and how many files and folders are in it. A folder that was
changed later, such as by copying it, is counted again. No image is read, and only the standard library is needed, since
every call of the workflow asks.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from pdarts.data.tree import FOLDERS, Tree, index_file, visible

SECONDS = 1.0
"""Time after which a search for changes ends without result, so that slow storage delays no call of the workflow."""


def noted_in(root: Path) -> Path:
    """Path of the notes on the folders below `root`."""
    return root / "index" / "folders.json"


def notes(trees: Mapping[str, Tree]) -> str:
    """Note what tells changed folders from others, as JSON.

    Args:
        trees: what lies below `train` and `val`, by these names.
    """
    return json.dumps(
        {str(Path(name, path)): folder for name, tree in trees.items() for path, folder in sorted(tree.folders.items())}
    )


def since_indexed(root: Path) -> str | None:
    """Say which folder below `root` has more or fewer files than its index knows; None if none is found in time."""
    try:
        noted = json.loads(noted_in(root).read_bytes())
    except (OSError, ValueError):
        return None
    end = time.monotonic() + SECONDS
    for name, (changed, entries) in noted.items():
        if time.monotonic() > end:
            return None
        folder = root / name
        try:
            if folder.stat().st_mtime_ns == changed:
                continue
            present = len(visible(folder))
        except OSError as error:
            return f"{folder} cannot be listed any more ({error.strerror})"
        if present != entries:
            return f"{folder} has changed from {entries:,} to {present:,} files or folders"
    return None


def since_described(root: Path, manifest: Path) -> str | None:
    """Say that the index in `root` is not the one that the manifest describes; None if it is, or if that is unknown.

    This happens where another dataset of the same folder is prepared later.
    """
    try:
        splits = json.loads(manifest.read_bytes())["splits"]
        for split in FOLDERS:
            path, digest = index_file(root, split), hashlib.sha256()
            if path.stat().st_mtime_ns > manifest.stat().st_mtime_ns:
                with path.open("rb") as lines:
                    for line in islice(lines, splits[split]["images"]):
                        digest.update(line)
                if digest.hexdigest() != splits[split]["digest"]:
                    return f"{path} was made anew"
    except (OSError, ValueError, KeyError):
        return None
    return None
