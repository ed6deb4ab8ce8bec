"""Prepares single images as testing prepares those of a dataset."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from PIL.Image import Image
from torch import Tensor

from pdarts.data.catalog import SOURCES
from pdarts.data.decoding import in_colour
from pdarts.data.stream_transforms import centre_view
from pdarts.data.whole_view import View, whole_view
from pdarts.settings.datasets import is_image_folder


def view_of(dataset: Mapping[str, Any]) -> View:
    """Make the transform of images that a network trained on this dataset is given.

    Image files are scaled and cut out as in testing. For a data set in memory, an image of the network's size is taken
    as it is, and any other is treated like those in the files of the data set, once it is scaled to their size.

    Args:
        dataset: values of its manifest.
    """
    size = dataset["image_size"]
    if is_image_folder(dataset):
        return partial(_prepared, centre_view(size), None)
    return partial(_prepared, SOURCES[dataset["source"]].view(), size)


def _prepared(view: View, ready: int | None, image: Image) -> Tensor:
    image = in_colour(image)
    return whole_view(ready)(image) if ready and image.size == (ready, ready) else view(image)
