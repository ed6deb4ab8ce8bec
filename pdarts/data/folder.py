"""Verifies every image of an image folder once, and writes the index that later steps read instead.

Verified images are noted at once in `FOLDER/index/verified-train.jsonl` and `verified-val.jsonl`. A job that was killed
continues from these notes, and where images are added later, only the new ones are decoded.
"""

import errno
import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, nullcontext
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from pdarts.data import changes, layout
from pdarts.data.copies import warn_of_copies
from pdarts.data.decoding import decode, problem
from pdarts.data.index import Index
from pdarts.data.layout import SHOWN
from pdarts.data.lock import locked
from pdarts.data.manifest import FolderManifest, Splits
from pdarts.data.tree import FOLDERS, File, Problem, index_file
from pdarts.errors import InputError, counted
from pdarts.settings.datasets import ImageFolder

CHUNK = 16
"""Number of images that a process is given at a time."""
REPORT_SECONDS = 20.0
UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR)


class Image(NamedTuple):
    """Size in pixels and checksum of a verified image file."""

    width: int
    height: int
    sha256: str


Files = dict[str, File]
"""Files by their paths below the folder of the split, `CLASS/…`."""


def describe(dataset: ImageFolder, root: Path, workers: int) -> FolderManifest:
    """Verify and index the images of a folder.

    Args:
        dataset: its settings.
        root: the folder that has `train` and `val`.
        workers: number of processes that decode; 0 decodes in this one.

    Raises:
        InputError: if folders are missing or differ in classes, if files are not whole images (`index/problems.txt`
            then lists all of them), if the index cannot be written, or if there are too few training images.
    """
    problems: list[Problem] = []
    trees = {name: layout.found(dataset, root, name, problems) for name in FOLDERS.values()}
    classes = layout.classes(dataset, root, trees)
    files = {split: trees[name].files for split, name in FOLDERS.items()}
    folder = root / "index"
    try:
        folder.mkdir(exist_ok=True)
        # An index that somebody else has finished is used even where it cannot be written.
        writable = os.access(folder, os.W_OK)
        with locked(folder / "lock") if writable else nullcontext():
            images = {split: _verified(root, split, files[split], workers, problems) for split in FOLDERS}
            _refuse(dataset, problems, folder / "problems.txt")
            for split in FOLDERS:
                _write(index_file(root, split), _lines(files[split], images[split], classes))
            if writable:
                _write(changes.noted_in(root), changes.notes(trees))
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise InputError(
            f"{dataset.folder}: {error.filename} cannot be written ({error.strerror}), but the index lies beside the "
            f"images; where {root} must stay as it is, make a folder of your own with links to its train and val, and "
            f"set machine.data_roots.{dataset.folder} to that"
        ) from error
    train, test = (Index.of(index_file(root, split).read_bytes(), root / FOLDERS[split]) for split in FOLDERS)
    wanted = dataset.train_images or len(train)
    if wanted > len(train):
        raise InputError(
            f"train_images is {wanted}, but {dataset.folder} has {len(train)} training images; "
            f"allowed: 1 to {len(train)}, or null for all"
        )
    train = train.part(0, wanted)
    warn_of_copies(dataset.folder, train, test)
    splits = Splits(train=train.describe(classes), test=test.describe(classes))
    return FolderManifest(**dataset.model_dump(), classes=classes, splits=splits)


def _verified(root: Path, split: str, files: Files, workers: int, problems: list[Problem]) -> dict[str, Image]:
    """Verify the files of a split that are not verified yet; returns all whole images by path."""
    folder, log = root / FOLDERS[split], root / "index" / f"verified-{FOLDERS[split]}.jsonl"
    known = _noted(log, files)
    waiting = [path for path in sorted(files) if path not in known]
    if not waiting:
        return known
    shown = time.monotonic()
    with log.open("a", encoding="utf-8") as file:
        file.write("\n")  # after a line that a kill has cut off
        with closing(_outcomes([f"{folder}/{path}" for path in waiting], workers)) as outcomes:
            for number, (path, outcome) in enumerate(zip(waiting, outcomes, strict=True), 1):
                if isinstance(outcome, str):
                    problems.append((folder / path, outcome))
                else:
                    known[path] = outcome
                    file.write(json.dumps([path, *files[path], *outcome]) + "\n")
                if time.monotonic() - shown > REPORT_SECONDS or number == len(waiting):
                    shown = time.monotonic()
                    file.flush()
                    print(
                        f"{root}: {number:,} of {counted(len(waiting), f'{split} image')} verified",
                        file=sys.stderr,
                        flush=True,
                    )
    return known


def _noted(log: Path, files: Files) -> dict[str, Image]:
    """Read the images that an earlier run verified, without those whose files have changed since."""
    known = {}
    for line in log.read_bytes().splitlines() if log.exists() else ():
        try:
            path, size, changed, *image = json.loads(line)
        except ValueError:  # cut off by a kill
            continue
        if files.get(path) == (size, changed):
            known[path] = Image(*image)
    return known


def _outcomes(paths: list[str], workers: int) -> Generator[Image | str, None, None]:
    """Verify files in parallel; yields the results of `_verify` in the order of `paths`. Once closed, no more begin."""
    if workers == 0:
        yield from map(_verify, paths)
        return
    pool = ProcessPoolExecutor(workers, initializer=_end_with_parent)
    chunks = [pool.submit(_verify_all, paths[start : start + CHUNK]) for start in range(0, len(paths), CHUNK)]
    try:
        for chunk in chunks:
            yield from chunk.result()
    except BrokenProcessPool as error:
        for process in multiprocessing.active_children():
            process.kill()
        raise InputError(
            "a process that verifies images has ended, probably killed for lack of memory; set fewer machine.workers "
            "and run the same command again: what is verified is not decoded again"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Let this process end soon after the one that started it, whose lock it would go on holding."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _verify_all(paths: list[str]) -> list[Image | str]:
    return [_verify(path) for path in paths]


def _verify(path: str) -> Image | str:
    """Decode a file; returns its size and checksum, or why it is not a whole image."""
    content = b""
    try:
        content = Path(path).read_bytes()
        image = decode(content)
    except Exception as error:  # noqa: BLE001 - decoders raise whatever a broken file makes them stumble over
        return problem(error, content)
    return Image(*image.size, hashlib.sha256(content).hexdigest())


def _refuse(dataset: ImageFolder, problems: list[Problem], listing: Path) -> None:
    """Raise an error with the first problems and write all of them to `listing`; without problems, delete `listing`."""
    if not problems:
        listing.unlink(missing_ok=True)
        return
    lines = [f"{path}: {reason}" for path, reason in sorted(problems)]
    files = counted(len(lines), "file")
    _write(listing, "\n".join(lines) + "\n")
    more = [f"… and {len(lines) - SHOWN:,} more"] if len(lines) > SHOWN else []
    raise InputError(
        f"{dataset.folder}: {files} cannot be used; replace or remove such files, then run the same command again: "
        f"what is verified is not decoded again. {listing} lists all:\n  " + "\n  ".join(lines[:SHOWN] + more)
    )


def _lines(files: Files, images: dict[str, Image], classes: tuple[str, ...]) -> str:
    """Lines of the index, in an order that depends on the paths alone and mixes the classes evenly.

    Every part of the index, such as the half that trains alphas, has nearly the same fraction of each class.
    """
    by_class: dict[str, list[str]] = defaultdict(list)
    for path in files:
        by_class[path.partition("/")[0]].append(path)
    order = []
    for label, name in enumerate(classes):
        drawn = sorted((hashlib.sha256(os.fsencode(path)).digest(), path) for path in by_class[name])
        order += [((index + 0.5) / len(drawn), digest, path, label) for index, (digest, path) in enumerate(drawn)]
    entries = (
        [path, label, images[path].width, images[path].height, files[path].size, images[path].sha256]
        for _, _, path, label in sorted(order)
    )
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def _write(path: Path, text: str) -> None:
    """Write a file in one piece; a file that already holds `text` stays untouched."""
    content = text.encode(errors="backslashreplace")  # names of files need not be UTF-8
    if (path.read_bytes() if path.exists() else b"") == content:
        return
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
