"""Input as it is commonly written: a DataLoader whose dataset changes one Pillow image at a time."""

from typing import Any

import numpy
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms


class Cutout:
    """Blank a square around a random pixel of a normalized image."""

    def __init__(self, side: int) -> None:
        self.side = side

    def __call__(self, image: Tensor) -> Tensor:
        height, width = image.shape[1:]
        row, column = torch.randint(height, ()).item(), torch.randint(width, ()).item()
        half = self.side // 2
        image[:, max(row - half, 0) : row + half, max(column - half, 0) : column + half] = 0
        return image


class Images(Dataset[Any]):
    """Images as an array, as torchvision's CIFAR-10 holds them."""

    def __init__(self, images: Tensor, labels: Tensor, transform: Any) -> None:
        self.images = numpy.ascontiguousarray(images.permute(0, 2, 3, 1).numpy())
        self.labels, self.transform = labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def loader(
    images: Tensor,
    labels: Tensor,
    batch_size: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    cutout: int = 0,
    shuffled: bool = True,
) -> DataLoader[Any]:
    """Padded crops, flips, normalization and cutout where `shuffled`, else normalization alone; in this process."""
    size = images.shape[-1]
    steps: list[Any] = [transforms.RandomCrop(size, padding=4), transforms.RandomHorizontalFlip()] if shuffled else []
    steps += [transforms.ToTensor(), transforms.Normalize(mean, std)]
    if shuffled and cutout:
        steps.append(Cutout(cutout))
    return DataLoader(Images(images, labels, transforms.Compose(steps)), batch_size, shuffle=shuffled)
