"""Prepares single images as testing prepares those of a dataset."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from PIL.Image import Image
from torch import Tensor

from pdarts.data.catalog import SOURCES
from pdarts.data.decoding import in_colour
from pdarts.data.stream_transforms import centre_view, scaled_size
from pdarts.data.whole_view import View
from pdarts.settings.datasets import is_image_folder


def view_of(dataset: Mapping[str, Any]) -> View:
    """Make the transform of images that a network trained on this dataset is given.

    Image files that are decoded in every pass are scaled and cut out as in testing. For images in memory, one of the
    network's size is taken as it is; any other is scaled and cut out likewise if they come from a folder, and else
    treated like those in the files of the data set, once it is scaled to their size.

    Args:
        dataset: values of its manifest.
    """
    size = dataset["image_size"]
    if not is_image_folder(dataset):
        return partial(_prepared, SOURCES[dataset["source"]].view(), size)
    return in_memory_view(size) if dataset.get("in_memory") else partial(_prepared, centre_view(size), None)


def described(dataset: Mapping[str, Any]) -> str:
    """Say in words what a view does, and how pixels are normalized after it.

    Args:
        dataset: values of its manifest.
    """
    size = dataset["image_size"]
    if is_image_folder(dataset):
        ready = dataset.get("in_memory")
        steps = f"scale the shorter side to {scaled_size(size)} pixels, and cut out the centre of {size} x {size}"
    else:
        ready, steps = True, SOURCES[dataset["source"]].preparation
    kept = f"An image of {size} x {size} pixels stays as it is. For any other: " if ready else ""
    return (
        f"Decode to RGB. {kept}{steps if ready else steps.capitalize()} (antialiased bilinear). Then divide the levels "
        "0 to 255 by 255, subtract mean and divide by std of each channel."
    )


def in_memory_view(image_size: int) -> View:
    """Make the transform of images of a folder that are kept in memory: those of `image_size` stay as they are."""
    return partial(_prepared, centre_view(image_size), image_size)


def _prepared(view: View, ready: int | None, image: Image) -> Tensor:
    from torchvision.transforms.v2 import functional  # takes seconds to import, which readers need not wait for

    image = in_colour(image)
    return functional.pil_to_tensor(image) if ready and image.size == (ready, ready) else view(image)
