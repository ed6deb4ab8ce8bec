"""From a manifest to batches: of images in memory or of image files, whichever the dataset has."""

from pathlib import Path

import torch

from pdarts.data import index, local_copy, manifest
from pdarts.data.catalog import Split, SplitName
from pdarts.data.division import Division, divided
from pdarts.data.index import FOLDERS, Index
from pdarts.data.loaders import Batches, Loader
from pdarts.data.manifest import AnyManifest, FolderManifest
from pdarts.data.share import WHOLE, Share
from pdarts.data.stream import StreamLoader
from pdarts.errors import InputError
from pdarts.settings.augmentation import AnyAugmentation, Augmentation, StreamedAugmentation, check_augmentation
from pdarts.settings.machine import Machine


def batches_of(
    dataset: AnyManifest,
    split: SplitName,
    machine: Machine,
    batch_size: int,
    augmentation: AnyAugmentation | None,
    device: torch.device,
    share: Share = WHOLE,
) -> Batches:
    """Passes over a whole split.

    Args:
        dataset: manifest of the images.
        split: which of them.
        machine: where they lie, and how many processes decode.
        batch_size: images a batch.
        augmentation: random changes in shuffled passes; None for none.
        device: where the batches are put together.
        share: what this process takes of every batch.

    Raises:
        InputError: if the images are not there or not those of the manifest, or do not take this augmentation; if a
            process would have none to train on.
    """
    if augmentation is not None:
        check_augmentation(dataset, augmentation)
    images = _split(dataset, split, machine)
    return _batches(dataset, split, images, machine, batch_size, augmentation, device, share)


def batches_of_parts(
    dataset: AnyManifest,
    division: Division,
    machine: Machine,
    batch_size: int,
    augmentation: AnyAugmentation | None,
    device: torch.device,
    share: Share = WHOLE,
) -> tuple[Batches, Batches]:
    """Passes over two parts of the training images; all else as in `batches_of`.

    No test image is read. A first part of 1 leaves nothing to the second.

    Raises:
        InputError: as `batches_of`, and if a part that has a share would be empty.
    """
    if augmentation is not None:
        check_augmentation(dataset, augmentation)
    images = _split(dataset, "train", machine)
    first, second = divided(images, division)
    return (
        _batches(dataset, "train", first, machine, batch_size, augmentation, device, share),
        _batches(dataset, "train", second, machine, batch_size, augmentation, device, share),
    )


def _split(dataset: AnyManifest, split: SplitName, machine: Machine) -> Split | Index:
    root = Path(machine.data_root(dataset.place))
    if isinstance(dataset, FolderManifest):
        return index.read(dataset, root, split)
    return manifest.images_of(dataset, split, root)


def _batches(
    dataset: AnyManifest,
    split: SplitName,
    images: Split | Index,
    machine: Machine,
    batch_size: int,
    augmentation: AnyAugmentation | None,
    device: torch.device,
    share: Share,
) -> Batches:
    mean, std = dataset.mean, dataset.std
    last = len(images) % batch_size or batch_size
    if augmentation is not None and last < share.processes:
        raise InputError(
            f"processes is {share.processes}, but the last batch of {len(images)} images has {last}, fewer than one "
            "each; change batch_size, or leave images out with the dataset's train_images"
        )
    if isinstance(images, Index):
        assert isinstance(dataset, FolderManifest)
        assert not isinstance(augmentation, Augmentation)
        if machine.local_copy is not None:
            target = local_copy.place(machine.local_copy) / dataset.folder / FOLDERS[split]
            images = local_copy.copied(images, target, machine.workers)
        size, workers = dataset.image_size, machine.workers
        return StreamLoader(images, size, batch_size, mean, std, augmentation, device, workers, share)
    assert not isinstance(augmentation, StreamedAugmentation)
    return Loader(images, batch_size, mean, std, augmentation, device, share)
