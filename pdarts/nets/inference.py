"""Use a trained network on images of your own.

from pdarts.nets.inference import Classifier
classifier = Classifier.load("results/train/digits/seed0/weights.pt")
probabilities = classifier(images)
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from pdarts import extensions as own
from pdarts.nets import saved
from pdarts.nets.network import Network


class Classifier(nn.Module):
    """A trained network with the normalization of the images it was trained on; it knows its classes by name.

    Args:
        network: in evaluation mode.
        mean: of each colour channel, on a scale from 0 to 1.
        std: likewise.
        classes: names, in the order of the network's outputs.
        image_size: height and width in pixels of the images it was trained on.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, network: Network, mean: Sequence[float], std: Sequence[float], classes: Sequence[str], image_size: int
    ) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])
        self.classes, self.image_size = tuple(classes), image_size

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
        return cls(network, data["mean"], data["std"], data["classes"], data["image_size"]).eval()

    @torch.inference_mode()
    def forward(self, images: Tensor) -> Tensor:
        """Compute probabilities of the classes, shape (N, classes).

        Args:
            images: shape (N, 3, H, W), uint8 from 0 to 255, or floats from 0 to 1; not normalized. H and W are those
                it was trained on.

        Raises:
            ValueError: if they have another shape or scale.
        """
        size = self.image_size
        if images.dim() != 4 or tuple(images.shape[1:]) != (3, size, size):
            raise ValueError(f"images have shape {tuple(images.shape)}; allowed: (N, 3, {size}, {size})")
        if images.dtype == torch.uint8:
            images = images.float() / 255
        elif not images.is_floating_point():
            raise ValueError(f"images are {images.dtype}; allowed: uint8 from 0 to 255, or floats from 0 to 1")
        elif images.numel() and not 0 <= images.min() <= images.max() <= 1:
            raise ValueError(
                f"images range from {images.min():.4g} to {images.max():.4g}; allowed: floats from 0 to 1 that are "
                "not normalized, or uint8 from 0 to 255"
            )
        logits, _ = self.network((images.to(self.mean) - self.mean) / self.std)
        return torch.softmax(logits, dim=1)
