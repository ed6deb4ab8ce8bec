"""Augments whole batches at once, with the same distribution as the literature's transforms of single images."""

import torch
from torch import Generator, Tensor
from torch.nn import functional

from pdarts.settings.augmentation import Augmentation


def augment(images: Tensor, augmentation: Augmentation, mean: Tensor, std: Tensor, generator: Generator) -> Tensor:
    """Crop and flip each image by its own draw, normalize, cut out.

    Args:
        images: uint8, shape (N, C, H, W).
        augmentation: sizes of crops and of cutout, and whether to flip.
        mean: mean of each channel, on a scale from 0 to 1, shape (C, 1, 1).
        std: standard deviation of each, likewise.
        generator: a generator on the CPU, so that all devices get the same draws.

    Returns:
        float32, shape (N, C, H, W).
    """
    images = crop_and_flip(images, augmentation.crop_padding, augmentation.flip, generator)
    return cut_out(normalize(images, mean, std), augmentation.cutout, generator)


def crop_and_flip(images: Tensor, padding: int, flip: bool, generator: Generator) -> Tensor:
    """Pad images by `padding` black pixels on every side, crop each to its old size at random, and mirror half of them.

    For a batch of N it draws N rows and N columns of the crops' corners if there is padding, then N coins if `flip`.
    """
    if padding == 0 and not flip:
        return images
    number, channels, height, width = images.shape
    rows, columns = torch.arange(height).expand(number, -1), torch.arange(width).expand(number, -1)
    if padding:
        rows = rows + torch.randint(2 * padding + 1, (number, 1), generator=generator)
        columns = columns + torch.randint(2 * padding + 1, (number, 1), generator=generator)
        images = functional.pad(images, (padding, padding, padding, padding))
    if flip:
        columns = torch.where(torch.randint(2, (number, 1), generator=generator) == 1, columns.flip(1), columns)
    # One gather of flat pixels is about three times as fast as a crop and a flip, or than indexing by rows and columns.
    rows, columns = (on_device(draws, images.device) for draws in (rows, columns))
    pixels = rows[:, :, None] * images.shape[-1] + columns[:, None, :]  # (N, H, W)
    pixels = pixels.view(number, 1, -1).expand(-1, channels, -1)  # (N, C, H * W)
    return images.flatten(2).gather(2, pixels).view(number, channels, height, width)


def on_device(draws: Tensor, device: torch.device) -> Tensor:
    """Move a tensor of draws from the CPU to `device`, without waiting if that is a GPU."""
    return draws.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else draws


def normalize(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Turn uint8 into float32 with mean 0 and standard deviation 1; `mean` and `std` are those of `augment`."""
    return images.float().div_(255).sub_(mean).div_(std)


def cut_out(images: Tensor, side: int, generator: Generator) -> Tensor:
    """Set to 0, in place, a square of `side` pixels around a uniformly drawn pixel, as far as it lies inside the image.

    For a batch of N it draws N rows and N columns. An even square reaches one pixel further up and left of its centre.

    Source: DeVries and Taylor 2017 (arXiv:1708.04552).
    """
    if side == 0:
        return images
    number, _, height, width = images.shape
    rows, columns = (
        on_device(_covers(length, side, number, generator), images.device) for length in (height, width)
    )  # (N, H) and (N, W)
    return images.masked_fill_((rows[:, :, None] & columns[:, None, :])[:, None], 0)


def _covers(length: int, side: int, number: int, generator: Generator) -> Tensor:
    """Draw `number` segments of `side` pixels; True where one covers a pixel, shape (number, length)."""
    start = torch.randint(length, (number, 1), generator=generator) - side // 2
    indices = torch.arange(length)
    return (indices >= start) & (indices < start + side)
