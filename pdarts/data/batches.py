"""Makes batches of the images that a manifest describes, which lie in memory or in image files."""

from pathlib import Path

import torch

from pdarts.data import index, local_copy, manifest
from pdarts.data.division import Division, divided
from pdarts.data.index import FOLDERS, Index
from pdarts.data.loaders import Batches, Loader
from pdarts.data.manifest import AnyManifest, FolderManifest
from pdarts.data.share import WHOLE, Share
from pdarts.data.split import Split, SplitName
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
    """Make batches of a whole split.

    Args:
        dataset: manifest of the images.
        split: the split to read.
        machine: says where the images lie and how many processes decode.
        batch_size: images per batch, over all processes.
        augmentation: random changes in shuffled passes; None for none.
        device: where batches are put together.
        share: the images of every batch that this process takes.

    Raises:
        InputError: if the images are missing or differ from the manifest, if they do not fit the augmentation, or if a
            process would have no image of the last batch to train on.
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
    """Make batches of each of two parts of the training images; other arguments are those of `batches_of`.

    No test image is read. The second part is empty where the first takes all images.

    Raises:
        InputError: as in `batches_of`, and if a part that should have images would be empty.
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
    root = Path(machine.data_root(dataset.folder))
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
            target = local_copy.folder(machine.local_copy) / dataset.folder / FOLDERS[split]
            images = local_copy.copied(images, target, machine.workers)
        size, workers = dataset.image_size, machine.workers
        return StreamLoader(images, size, batch_size, mean, std, augmentation, device, workers, share)
    assert not isinstance(augmentation, StreamedAugmentation)
    return Loader(images, batch_size, mean, std, augmentation, device, share)
