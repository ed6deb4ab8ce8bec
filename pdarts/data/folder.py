"""Verify every image of an image folder once, and write the index that later steps read instead.

What is verified is noted in `FOLDER/index/verified-train.jsonl` and `verified-val.jsonl` as it comes: a job that was
killed goes on there, and images that were added later are all that has to be decoded.
"""

import errno
import hashlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from PIL import UnidentifiedImageError

from pdarts.data.decoding import decode
from pdarts.data.index import FOLDERS, Index, index_file
from pdarts.data.lock import locked
from pdarts.data.manifest import FolderManifest, Splits
from pdarts.errors import InputError
from pdarts.settings.datasets import ImageFolder

SHOWN = 20
"""Names that a message lists at most."""
CHUNK = 16
"""Images handed to a process at a time."""
REPORT_SECONDS = 20.0
UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR)


class File(NamedTuple):
    """A file that should be an image."""

    size: int
    changed: int
    """When it was last written, in nanoseconds."""


class Image(NamedTuple):
    """What is found in a whole image file."""

    width: int
    height: int
    sha256: str


Problem = tuple[Path, str]
Files = dict[str, File]
"""By their paths below the folder of the split, `CLASS/…`."""


def describe(dataset: ImageFolder, root: Path, workers: int) -> FolderManifest:
    """Verify and index the images of a folder.

    Args:
        dataset: its settings.
        root: the folder that has `train` and `val`.
        workers: processes that decode; 0 decodes in this one.

    Raises:
        InputError: if folders are missing or differ in classes, files are no whole images (`index/problems.txt` then
            lists all of them), the index cannot be written, or there are fewer training images than asked for.
    """
    problems: list[Problem] = []
    files = {split: _files(dataset, root / FOLDERS[split], problems) for split in FOLDERS}
    classes = _classes(dataset, root, files)
    folder = root / "index"
    try:
        folder.mkdir(exist_ok=True)
        # What somebody else has finished can be used where it cannot be written.
        with locked(folder / "lock") if os.access(folder, os.W_OK) else nullcontext():
            images = {split: _verified(root, split, files[split], workers, problems) for split in FOLDERS}
            _refuse(dataset, problems, folder / "problems.txt")
            for split in FOLDERS:
                _write(index_file(root, split), _lines(files[split], images[split], classes))
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
    splits = Splits(train=train.part(0, wanted).describe(classes), test=test.describe(classes))
    return FolderManifest(**dataset.model_dump(), classes=classes, splits=splits)


def _files(dataset: ImageFolder, folder: Path, problems: list[Problem]) -> Files:
    """All files of a split but hidden ones."""
    if not folder.is_dir():
        raise InputError(
            f"{dataset.folder}: {folder} is not there; images lie in train/CLASS/ and val/CLASS/ of one folder, which "
            f"machine.data_roots.{dataset.folder} names"
        )
    files: Files = {}
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            if path.parent == folder:
                problems.append((path, "lies outside the folders of the classes"))
                continue
            try:
                status = path.stat()
            except OSError as error:
                problems.append((path, str(error.strerror)))
                continue
            files[path.relative_to(folder).as_posix()] = File(status.st_size, status.st_mtime_ns)
    return files


def _classes(dataset: ImageFolder, root: Path, files: dict[str, Files]) -> tuple[str, ...]:
    """Names of the folders that both splits have, sorted."""
    train, test = ({path.partition("/")[0] for path in files[split]} for split in FOLDERS)
    for here, there, missing in (("train", "val", train - test), ("val", "train", test - train)):
        if missing:
            names = ", ".join(sorted(missing)[:SHOWN]) + (", …" if len(missing) > SHOWN else "")
            raise InputError(
                f"{dataset.folder}: {len(missing)} of the classes in {root / here} have no images in {root / there} "
                f"({names}); both need a folder of that name with images"
            )
    if not train:
        raise InputError(f"{dataset.folder}: there are no images in {root / 'train'}/CLASS/; put them there")
    return tuple(sorted(train))


def _verified(root: Path, split: str, files: Files, workers: int, problems: list[Problem]) -> dict[str, Image]:
    """What is in every file of a split that is a whole image, by path."""
    folder, log = root / FOLDERS[split], root / "index" / f"verified-{FOLDERS[split]}.jsonl"
    known = _noted(log, files)
    waiting = [path for path in sorted(files) if path not in known]
    if not waiting:
        return known
    shown = time.monotonic()
    with log.open("a", encoding="utf-8") as file:
        file.write("\n")  # behind a line that a kill has cut off
        outcomes = _outcomes([f"{folder}/{path}" for path in waiting], workers)
        for number, (path, outcome) in enumerate(zip(waiting, outcomes, strict=True), 1):
            if isinstance(outcome, str):
                problems.append((folder / path, outcome))
            else:
                known[path] = outcome
                file.write(json.dumps([path, *files[path], *outcome]) + "\n")
            if time.monotonic() - shown > REPORT_SECONDS or number == len(waiting):
                shown = time.monotonic()
                file.flush()
                print(f"{root}: {number:,} of {len(waiting):,} {split} images verified", file=sys.stderr, flush=True)
    return known


def _noted(log: Path, files: Files) -> dict[str, Image]:
    """What was verified before, of files that have not been written since."""
    known = {}
    for line in log.read_bytes().splitlines() if log.exists() else ():
        try:
            path, size, changed, *image = json.loads(line)
        except ValueError:  # cut off by a kill
            continue
        if files.get(path) == (size, changed):
            known[path] = Image(*image)
    return known


def _outcomes(paths: list[str], workers: int) -> Iterator[Image | str]:
    """What `_verify` says of every file, in order."""
    if workers == 0:
        yield from map(_verify, paths)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_verify, paths, chunksize=CHUNK)


def _verify(path: str) -> Image | str:
    """Decode a file; what it holds, or why it is no whole image."""
    try:
        content = Path(path).read_bytes()
        image = decode(content)
    except UnidentifiedImageError:
        return "is empty" if not content else "is no image that Pillow knows"
    except Exception as error:  # noqa: BLE001 - decoders raise whatever a broken file makes them stumble over
        return str(error) or type(error).__name__
    return Image(*image.size, hashlib.sha256(content).hexdigest())


def _refuse(dataset: ImageFolder, problems: list[Problem], listing: Path) -> None:
    """End with all problems in a file, and the first of them in the message."""
    if not problems:
        listing.unlink(missing_ok=True)
        return
    lines = [f"{path}: {reason}" for path, reason in sorted(problems)]
    _write(listing, "\n".join(lines) + "\n")
    more = [f"… and {len(lines) - SHOWN:,} more"] if len(lines) > SHOWN else []
    raise InputError(
        f"{dataset.folder}: {len(lines):,} files cannot be used; replace or remove them, then run the same command "
        f"again: what is verified is not decoded again. {listing} lists them all:\n  "
        + "\n  ".join(lines[:SHOWN] + more)
    )


def _lines(files: Files, images: dict[str, Image], classes: tuple[str, ...]) -> str:
    """The index's lines, in an order that depends on the paths alone and in which classes are mixed evenly: every part
    of the index, such as the half that trains alphas, has about the whole's share of each."""
    by_class: dict[str, list[str]] = defaultdict(list)
    for path in files:
        by_class[path.partition("/")[0]].append(path)
    order = []
    for label, name in enumerate(classes):
        drawn = sorted((hashlib.sha256(os.fsencode(path)).digest(), path) for path in by_class[name])
        order += [((place + 0.5) / len(drawn), digest, path, label) for place, (digest, path) in enumerate(drawn)]
    entries = (
        [path, label, images[path].width, images[path].height, files[path].size, images[path].sha256]
        for _, _, path, label in sorted(order)
    )
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def _write(path: Path, text: str) -> None:
    """Write the whole file or nothing; not at all if that is what it holds."""
    content = text.encode()
    if (path.read_bytes() if path.exists() else b"") == content:
        return
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
