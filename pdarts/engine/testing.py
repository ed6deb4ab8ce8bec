"""The images that a trained network is tested on."""

import torch

from pdarts.data.batches import batches_of, batches_of_part
from pdarts.data.batching import Batching
from pdarts.data.division import Division
from pdarts.data.loaders import Batches
from pdarts.data.manifest import AnyManifest
from pdarts.settings.machine import Machine

BATCH_SIZE = 256


def batches_to_test(dataset: AnyManifest, train_portion: float, machine: Machine, device: torch.device) -> Batches:
    """Make batches of images that the network was not trained on.

    Args:
        dataset: manifest of the images.
        train_portion: portion of the training images that it was trained on. Below 1, the other training images are
            taken, and no test image is read.
        machine: says where the images lie.
        device: where batches are put together.
    """
    batching = Batching(BATCH_SIZE, None, device)
    if train_portion < 1:
        return batches_of_part(dataset, Division(train_portion), 1, machine, batching)
    return batches_of(dataset, "test", machine, batching)
