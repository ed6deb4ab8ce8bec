"""Makes batches of the images that a manifest describes, which lie in memory or in image files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from pdarts.data import in_memory, index, local_copy, manifest
from pdarts.data.batching import Batching
from pdarts.data.division import Division, divided
from pdarts.data.index import Index
from pdarts.data.layout import listed
from pdarts.data.loaders import Batches, Loader
from pdarts.data.manifest import AnyManifest, FolderManifest
from pdarts.data.split import Split, SplitName
from pdarts.data.stream import StreamLoader
from pdarts.data.tree import FOLDERS
from pdarts.errors import InputError, counted, warn
from pdarts.settings.augmentation import check_augmentation
from pdarts.settings.machine import Machine


def batches_of(dataset: AnyManifest, split: SplitName, machine: Machine, batching: Batching) -> Batches:
    """Make batches of a whole split.

    Args:
        dataset: manifest of the images.
        split: the split to read.
        machine: says where the images lie and how many processes decode.
        batching: how batches are made.

    Raises:
        InputError: if the images are missing or differ from the manifest, if they do not fit the augmentation or into
            memory, or if a process would have no image of the last batch to train on.
    """
    _check(dataset, batching)
    (batches,) = _batches(dataset, split, [_split(dataset, split, machine)], machine, batching)
    return batches


def batches_of_parts(
    dataset: AnyManifest, division: Division, machine: Machine, batching: Batching
) -> tuple[Batches, Batches]:
    """Make batches of each of two parts of the training images; other arguments are those of `batches_of`.

    No test image is read.

    Raises:
        InputError: as in `batches_of`, and if a part that should have images would be empty.
    """
    first, second = _batches(dataset, "train", _parts(dataset, division, machine, batching), machine, batching)
    return first, second


def batches_of_part(
    dataset: AnyManifest, division: Division, part: Literal[0, 1], machine: Machine, batching: Batching
) -> Batches:
    """Make batches of the first or second part, as `batches_of_parts` does; of the other one no image is loaded."""
    images = _parts(dataset, division, machine, batching)[part]
    (batches,) = _batches(dataset, "train", [images], machine, batching)
    return batches


def _parts(
    dataset: AnyManifest, division: Division, machine: Machine, batching: Batching
) -> tuple[Split | Index, Split | Index]:
    _check(dataset, batching)
    parts = divided(_split(dataset, "train", machine), division)
    if batching.share.process == 0:
        _warn_of_absent(dataset, parts)
    return parts


def _check(dataset: AnyManifest, batching: Batching) -> None:
    if batching.augmentation is not None:
        check_augmentation(dataset, batching.augmentation)


def _split(dataset: AnyManifest, split: SplitName, machine: Machine) -> Split | Index:
    root = Path(machine.data_root(dataset.folder))
    if isinstance(dataset, FolderManifest):
        return index.read(dataset, root, split)
    return manifest.images_of(dataset, split, root)


def _warn_of_absent(dataset: AnyManifest, parts: tuple[Split | Index, Split | Index]) -> None:
    """Warn of classes that have training images, but none in one of two parts."""
    if not all(map(len, parts)):
        return
    counts = dataset.splits.train.per_class
    for part, which in zip(parts, ("that train network weights", "that do not train network weights"), strict=True):
        here = torch.bincount(part.labels, minlength=len(counts)).tolist()
        absent = [
            f"{name} ({all_images} in all)"
            for (name, all_images), count in zip(counts.items(), here, strict=True)
            if all_images and not count
        ]
        if absent:
            warn(
                f"{dataset.folder}: classes without an image among the {len(part):,} {which}: {len(absent)} of "
                f"{len(counts)}, {listed(absent)}"
            )


def _batches(
    dataset: AnyManifest, split: SplitName, parts: Sequence[Split | Index], machine: Machine, batching: Batching
) -> list[Batches]:
    """Make batches of each of several parts of a split, once all of them are known to fit together."""
    for part in parts:
        _check_last_batch(part, batching)
    if not isinstance(dataset, FolderManifest):
        return [Loader(part, batching, dataset.mean, dataset.std) for part in parts if isinstance(part, Split)]
    indices = [part for part in parts if isinstance(part, Index)]
    if dataset.in_memory:
        in_memory.check_memory([*map(len, indices)], dataset, batching.device)
        decoded = (in_memory.decoded(each, dataset, machine.workers) for each in indices)
        return [Loader(images, batching, dataset.mean, dataset.std) for images in decoded]
    if machine.local_copy is not None:
        target = local_copy.folder(machine.local_copy) / dataset.folder / FOLDERS[split]
        indices = local_copy.copied(indices, target, machine.workers)
    size, workers = dataset.image_size, machine.workers
    return [StreamLoader(each, size, batching, dataset.mean, dataset.std, workers) for each in indices]


def _check_last_batch(images: Split | Index, batching: Batching) -> None:
    last, processes = len(images) % batching.batch_size or batching.batch_size, batching.share.processes
    if batching.augmentation is not None and last < processes:
        raise InputError(
            f"processes is {processes}, but the last batch of {counted(len(images), 'image')} has {last}, fewer than "
            "one each; change batch_size, or leave images out with the dataset's train_images"
        )
