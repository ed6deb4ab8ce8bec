"""Layouts of feature maps that kernels read, sizes of their blocks, and launches over several units."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

WIDTH = 16
"""Most units in one launch. Tuples of tensors are filled up to it, so that their number compiles nothing anew."""

Item = TypeVar("Item")


def apart(x: Tensor) -> int | None:
    """Count the values from one pixel to the next if all are evenly spaced, at offsets of 31 bits; None otherwise."""
    number, channels, height, width = x.shape
    axis = next((axis for axis, size in ((3, width), (2, height), (0, number)) if size > 1), None)
    step = channels if axis is None else x.stride(axis)
    wanted = (height * width * step, 1, width * step, step)
    even = all(size == 1 or stride == want for size, stride, want in zip(x.shape, x.stride(), wanted, strict=True))
    return step if even and step >= channels and step * pixels(x) < 2**31 else None


def even(x: Tensor) -> Tensor:
    """Return `x` if its pixels are evenly spaced, and a copy with channels last otherwise."""
    return x if apart(x) is not None else x.contiguous(memory_format=torch.channels_last)


def dense(x: Tensor) -> Tensor:
    """Return `x` if it has channels last without gaps, and such a copy otherwise."""
    return x if apart(x) == x.shape[1] else x.clone(memory_format=torch.channels_last)


def feature_maps(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """Allocate feature maps of as many images as `x`, in its type, with channels last."""
    shape = (len(x), channels, height, width)
    return torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)


def pixels(x: Tensor) -> int:
    """Count the pixels of all images."""
    return len(x) * x.shape[2] * x.shape[3]


def power(number: int, least: int, most: int) -> int:
    """Round up to a power of two from `least` to `most`."""
    return min(max(1 << (number - 1).bit_length(), least), most)


def tile(channels: int) -> int:
    """Choose the pixels of a block."""
    return 128 if channels <= 32 else 64


def share(total: int, size: int) -> int:
    """Count the blocks of a size."""
    return -(-total // size)


def blocks_of(x: Tensor) -> int:
    """Count the blocks of pixels of feature maps."""
    return share(pixels(x), tile(x.shape[1]))


def grouped(items: Iterable[Item], key: Callable[[Item], Any]) -> Iterable[tuple[Any, list[Item]]]:
    """Group items that have equal keys, in the order of their first."""
    groups: dict[Any, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups.items()


def chunks(rows: Sequence[Sequence[Any]]) -> Iterator[tuple[int, int, list[Any]]]:
    """Yield the number of the first row, how many follow, and a tuple of tensors, or bits, for each column."""
    for first in range(0, len(rows), WIDTH):
        chunk = rows[first : first + WIDTH]
        filled = [*chunk, *[chunk[0]] * (WIDTH - len(chunk))]
        yield first, len(chunk), [_column(column) for column in zip(*filled, strict=True)]


def _column(values: tuple[Any, ...]) -> tuple[Tensor, ...] | int:
    if isinstance(values[0], bool):
        return sum(value << number for number, value in enumerate(values))
    return values


def launch(
    kernel: Any, blocks: tuple[int, int], rows: Sequence[Sequence[Any]], *arguments: Any, **constants: Any
) -> None:
    """Launch a kernel over the blocks of several units.

    Args:
        kernel: takes a tuple or bits for each column, then the arguments and constants.
        blocks: numbers of programs for each unit.
        rows: tensors and flags of each unit.
        arguments: of all units.
        constants: that the kernel is compiled for.
    """
    for _, number, columns in chunks(rows):
        kernel[(*blocks, number)](*columns, *arguments, **constants, num_stages=1)
