"""Use a trained network on images of your own.

from pdarts.nets.inference import Classifier
classifier = Classifier.load("results/train/digits/seed0/weights.pt")
probabilities = classifier(["one.png", "another.jpg"])
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from torch import Tensor, nn
from torchvision.transforms.v2.functional import to_pil_image

from pdarts import extensions as own
from pdarts.data import decoding
from pdarts.data.view import view_of
from pdarts.data.whole_view import View
from pdarts.errors import InputError
from pdarts.nets import saved
from pdarts.nets.network import Network

Picture = str | Path | Image | NDArray[np.generic] | Tensor
"""The path of an image file, an image of Pillow, or pixels.

Pixels are uint8 from 0 to 255 or floats from 0 to 1, not normalized; an array has shape (H, W, 3) or (H, W), a tensor
(3, H, W) or (1, H, W), or one dimension more in front for several images.
"""
BATCH_SIZE = 256
"""Number of images that are computed at a time, as in testing."""


class Classifier(nn.Module):
    """A trained network that prepares images as testing does; it knows its classes by name.

    Args:
        network: in evaluation mode.
        mean: of each colour channel, on a scale from 0 to 1.
        std: likewise.
        classes: names, in the order of the network's outputs.
        image_size: height and width in pixels of the images it was trained on.
        transform: what testing does to an image of any size; returns uint8, shape (3, image_size, image_size).
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: Network,
        mean: Sequence[float],
        std: Sequence[float],
        classes: Sequence[str],
        image_size: int,
        transform: View,
    ) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])
        self.classes, self.image_size, self.transform = tuple(classes), image_size, transform

    @classmethod
    def load(cls, path: str | Path, extensions: Iterable[str | Path] = ()) -> Self:
        """Load the network in a weights file of `pdarts.train` to the CPU; `.to("cuda")` moves it.

        Args:
            path: of the file.
            extensions: the user's files with operations that it was trained with.

        Raises:
            InputError: if the file is missing, cut off or something else; if it needs an extension that is not named,
                or has changed.
        """
        own.load(extensions)
        trained = saved.load(Path(path))
        data = trained["dataset"]
        network = saved.network_of(trained, str(path))
        return cls(network, data["mean"], data["std"], data["classes"], data["image_size"], view_of(data)).eval()

    @torch.inference_mode()
    def forward(self, images: Picture | Iterable[Picture]) -> Tensor:
        """Compute probabilities of the classes, shape (N, classes), also of a single image.

        Args:
            images: one or several, of any size. Tensors of the height and width that it was trained on are taken as
                they are, like those that `transform` returns; all else goes through `transform`.

        Raises:
            InputError: if a file is not an image.
            ValueError: if pixels have another shape or scale.
        """
        prepared, found = self._prepared(images), [self.mean.new_empty(0, len(self.classes))]
        while batch := list(islice(prepared, BATCH_SIZE)):
            logits, _ = self.network((torch.stack(batch) - self.mean) / self.std)
            found.append(torch.softmax(logits, dim=1))
        return torch.cat(found)

    def _prepared(self, images: Picture | Iterable[Picture]) -> Iterator[Tensor]:
        """Yield each image as floats from 0 to 1, shape (3, image_size, image_size)."""
        if isinstance(images, Tensor):
            fits = images.shape[-3:] == (3, self.image_size, self.image_size)
            for pixels in _each(images):
                yield pixels.to(self.mean) if fits else self._transformed(_pillow(pixels))
        elif isinstance(images, np.ndarray):
            for pixels in _each(_channels_first(images)):
                yield self._transformed(_pillow(pixels))
        elif isinstance(images, Image):
            yield self._transformed(images)
        elif isinstance(images, str | Path):
            yield self._transformed(_opened(Path(images)))
        elif isinstance(images, Iterable) and not isinstance(images, bytes):
            for image in images:
                yield from self._prepared(image)
        else:
            raise ValueError(f"an image is {type(images).__name__}; allowed: a path, Pillow image, array or tensor")

    def _transformed(self, image: Image) -> Tensor:
        return _fractions(self.transform(image)).to(self.mean)


def _opened(path: Path) -> Image:
    content = b""
    try:
        content = path.read_bytes()
        return decoding.decode(content)
    except Exception as error:  # decoders raise whatever a broken file makes them stumble over
        raise InputError(f"{path}: {decoding.problem(error, content)}") from error


def _channels_first(images: NDArray[np.generic]) -> Tensor:
    """Turn an array with channels last, or none, into a tensor with channels first."""
    channels = images[:, :, None] if images.ndim == 2 else images
    if channels.ndim not in (3, 4) or channels.shape[-1] not in (1, 3):
        raise ValueError(f"an array has shape {images.shape}; allowed: (N, H, W, 3), (H, W, 3) or (H, W)")
    return torch.from_numpy(np.moveaxis(channels, -1, -3).copy())


def _each(images: Tensor) -> Iterator[Tensor]:
    """Yield the images of a batch, or the single image: floats from 0 to 1, shape (C, H, W)."""
    if images.dim() not in (3, 4) or images.shape[-3] not in (1, 3) or 0 in images.shape[-2:]:
        raise ValueError(f"a tensor has shape {tuple(images.shape)}; allowed: (N, 3, H, W) or (3, H, W)")
    yield from _fractions(images if images.dim() == 4 else images[None])


def _pillow(pixels: Tensor) -> Image:
    """Make an image of Pillow with the nearest levels of 8 bits, from floats from 0 to 1, shape (C, H, W)."""
    image: Image = to_pil_image((pixels * 255).round().to("cpu", torch.uint8))
    return image


def _fractions(pixels: Tensor) -> Tensor:
    """Pixels as floats from 0 to 1.

    Raises:
        ValueError: if they have another scale.
    """
    if pixels.dtype == torch.uint8:
        return pixels.float() / 255
    if not pixels.is_floating_point():
        raise ValueError(f"images are {pixels.dtype}; allowed: uint8 from 0 to 255, or floats from 0 to 1")
    if pixels.numel() and not 0 <= pixels.min() <= pixels.max() <= 1:
        raise ValueError(
            f"images range from {pixels.min():.4g} to {pixels.max():.4g}; allowed: floats from 0 to 1 that are "
            "not normalized, or uint8 from 0 to 255"
        )
    return pixels
