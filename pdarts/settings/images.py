"""What the settings of a training or of a stage require of the number of training images, once that is known."""

import math
from collections.abc import Collection

from pdarts.errors import InputError, counted
from pdarts.settings.recipes import DIVISORS, Recipe
from pdarts.settings.searches import StageSettings


def check_images(settings: Recipe | StageSettings, size: int, classes: Collection[int]) -> None:
    """Refuse settings that leave a part of the images empty, or a process too few images of a batch.

    Args:
        settings: of a training or of a stage.
        size: height and width of the images in pixels.
        classes: number of training images of each class; where images are divided in order, their sum is enough.

    Raises:
        InputError: naming the key that leaves too few.
    """
    search = isinstance(settings, StageSettings)
    by_class = isinstance(settings, StageSettings) and settings.division == "by_class"
    divided = classes if by_class else [sum(classes)]
    second = settings.alphas_portion if isinstance(settings, StageSettings) else None
    parts = zip(*(portions(images, settings.train_portion, second) for images in divided), strict=True)
    wanted = [("train_portion", "weights"), ("alphas_portion", "alphas")][: 1 + search]
    for (key, trained), images in zip(wanted, map(sum, parts), strict=False):
        if images == 0:
            raise InputError(none_left(key, getattr(settings, key), sum(classes), trained))
        _check_batches(settings, size, images, trained)


def portions(images: int, first: float, second: float | None) -> tuple[int, int]:
    """Count the images of two parts, each a fraction of all rounded down; with None the second has all others."""
    others = images - math.floor(first * images)
    return images - others, others if second is None else min(math.floor(second * images), others)


def none_left(key: str, fraction: float, images: int, trained: str) -> str:
    """Make the message about a fraction of so many images that is none of them."""
    return (
        f"{key} is {fraction}, which leaves none of {counted(images, 'training image')} to train {trained}; "
        f"allowed: from 1/{images} to below 1"
    )


def _check_batches(settings: Recipe | StageSettings, size: int, images: int, trained: str) -> None:
    """Refuse a number of images whose last batch, or only one, is too small."""
    batch_size, processes, needed = settings.batch_size, settings.processes, least_images(settings, size)
    drawn_anew = trained == "alphas" and isinstance(settings, StageSettings) and settings.alphas_batches == "anew"
    for batch, least in ((min(batch_size, images), needed), (images % batch_size, 1 if drawn_anew else needed)):
        if 0 < batch < least * processes:
            why = ", since BatchNorm sees feature maps of one pixel" if least > 1 else ""
            raise InputError(
                f"batch_size is {batch_size}, so that a batch of the {counted(images, 'image')} that train {trained} "
                f"has {batch} for {counted(processes, 'process')}, but each needs {least}{why}; change "
                "batch_size, or leave images out with the dataset's train_images"
            )


def least_images(settings: Recipe | StageSettings, size: int) -> int:
    """Count the images that a process needs to train: two where feature maps of one pixel are normalized, else one.

    The auxiliary head has such maps, and so has what follows two reduction cells where images are small.
    """
    auxiliary = isinstance(settings, Recipe) and settings.auxiliary_weight is not None
    return 2 if auxiliary or (size == DIVISORS[settings.stem] and settings.cells > 1) else 1
