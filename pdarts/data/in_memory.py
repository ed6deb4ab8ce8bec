"""Decodes the images of a folder once, for a step that keeps them in memory."""

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from pdarts import memory
from pdarts.data.decoding import decode
from pdarts.data.index import Index
from pdarts.data.manifest import FolderManifest
from pdarts.data.split import Split
from pdarts.data.view import in_memory_view
from pdarts.errors import InputError, counted

CHUNK = 64
"""Number of images that a thread decodes at a time."""
REPORT_SECONDS = 20.0


def decoded(index: Index, dataset: FolderManifest, threads: int) -> Split:
    """Decode all images of an index; those of the dataset's `image_size` stay as they are.

    Args:
        index: the images.
        dataset: manifest of the folder.
        threads: number of images that are decoded at a time; below 1 counts as 1.

    Raises:
        InputError: if a file cannot be read, or is not the one that was verified.
    """
    view, size = in_memory_view(dataset.image_size), dataset.image_size
    images = torch.empty(len(index), 3, size, size, dtype=torch.uint8)

    def fill(start: int) -> int:
        stop = min(start + CHUNK, len(index))
        for number in range(start, stop):
            images[number] = view(decode(index.content(index[number])))
        return stop

    pool, shown = ThreadPoolExecutor(max(1, threads)), time.monotonic()
    try:
        for done in pool.map(fill, range(0, len(index), CHUNK)):
            if time.monotonic() - shown > REPORT_SECONDS:
                shown = time.monotonic()
                print(f"{index.root}: {done:,} of {counted(len(index), 'image')} decoded", file=sys.stderr, flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    return Split(images, index.labels)


def check_memory(parts: Sequence[int], dataset: FolderManifest, device: torch.device) -> None:
    """Refuse images that do not fit into what is free, before any is decoded.

    Args:
        parts: numbers of images that are decoded one after the other, and all kept.
        dataset: manifest of the folder.
        device: where they are kept.

    Raises:
        InputError: if they do not fit on the device, or for all processes of the step in main memory.
    """
    size = dataset.image_size
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", 1))  # those of this step on this node, as torchrun says
    rooms = [("main memory", memory.free(), processes, sum(parts))]
    if device.type == "cuda":  # main memory holds a part until it is decoded
        rooms = [("main memory", memory.free(), processes, max(parts))]
        rooms.append(("the GPU's memory", torch.cuda.mem_get_info(device)[0], 1, sum(parts)))
    for where, room, copies, images in rooms:
        needed = 3 * size**2 * images
        if room is not None and needed * copies > room:
            each = f", {needed * copies / 1e9:.2f} GB for {copies} processes" * (copies > 1)
            raise InputError(
                f"in_memory is true, but {counted(images, 'image')} of 3 x {size} x {size} bytes are "
                f"{needed / 1e9:.2f} GB{each}, and {room / 1e9:.2f} GB of {where} are free; set a smaller image_size, "
                "fewer train_images, or in_memory: false with resized_crop, flip and color_jitter as augmentation"
            )
