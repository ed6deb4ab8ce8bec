"""Time the decoding of an image folder: the real loader and its worker processes, on files of a photograph's size."""

import hashlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from torchvision.transforms.v2.functional import to_pil_image

from pdarts.data.batching import Batching
from pdarts.data.index import Index
from pdarts.data.stream import StreamLoader
from pdarts.settings.augmentation import StreamedAugmentation
from pdarts.tools.cost.stopwatch import STEPS, WARM_UP, Enough, Stopwatch

WIDTH, HEIGHT, FILES = 500, 375, 32
"""Size of an image in pixels, like most of ImageNet's, and number of different files, each of about 100 KB."""
BATCHES = 8
"""Batches of one image that a worker decodes between two readings of the clock."""


def time_decoding(
    pixels: int, batch_size: int, augmentation: StreamedAugmentation | None, workers: int, watch: Stopwatch
) -> dict[str, Any]:
    """Time how long a batch takes to decode and augment; the result is in the form of `Stopwatch.result`.

    Batches of one image are timed, since workers hand over whole batches, several at once.

    Args:
        pixels: height and width that images are cropped to.
        batch_size: images a batch.
        augmentation: random changes; None crops the middle.
        workers: processes that decode; 0 decodes in this one.
        watch: times it.
    """
    lapped = BATCHES * max(1, workers)
    with tempfile.TemporaryDirectory() as folder:
        index = _written(Path(folder), (WARM_UP + STEPS) * lapped)
        mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
        loader = StreamLoader(index, pixels, Batching(1, augmentation, torch.device("cpu")), mean, std, workers)
        try:
            for number, _ in enumerate(loader.in_order() if augmentation is None else loader.shuffled(0), 1):
                if number % lapped == 0:
                    watch.lap()
        except Enough:
            pass
    found = watch.result()
    share = batch_size / lapped
    return found | {key: share * found[key] for key in ("median", "min", "max")} | {"workers": workers}


def _written(folder: Path, count: int) -> Index:
    """Write `FILES` images, and return an index of `count` images, which names each file several times."""
    generator = torch.Generator().manual_seed(0)
    lines = []
    for number in range(FILES):
        coarse = F.interpolate(torch.rand(1, 3, 24, 32, generator=generator), (HEIGHT, WIDTH), mode="bicubic")[0]
        noise = 0.08 * torch.randn(3, HEIGHT, WIDTH, generator=generator)
        content = io.BytesIO()
        to_pil_image(((coarse + noise).clamp(0, 1) * 255).byte()).save(content, "JPEG", quality=90)
        (folder / f"{number}.jpg").write_bytes(content.getvalue())
        digest = hashlib.sha256(content.getvalue()).hexdigest()
        lines.append(json.dumps([f"{number}.jpg", 0, WIDTH, HEIGHT, len(content.getvalue()), digest]) + "\n")
    return Index.of("".join(lines[number % FILES] for number in range(count)).encode(), folder)
