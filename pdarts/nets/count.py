"""Count the size of an evaluation network for tables."""

import copy

import torch
from torch import Tensor, nn


def parameters(network: nn.Module) -> int:
    """Count the parameters, without the auxiliary head."""
    return sum(parameter.numel() for name, parameter in network.named_parameters() if not name.startswith("auxiliary."))


def multiply_adds(network: nn.Module, image_size: int) -> int:
    """Count multiply-adds of convolutions and linear layers for one image, without the auxiliary head.

    Args:
        network: on any device, in any mode; both stay as they are.
        image_size: height and width in pixels.
    """
    counts = []

    def count(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        counts.append(output[0, 0].numel() * weight.numel() if output.dim() == 4 else weight.numel())

    shapes = copy.deepcopy(network).to("meta").eval()  # where nothing is computed, and every layer is called by itself
    for layer in shapes.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.no_grad():
        shapes(torch.empty(1, 3, image_size, image_size, device="meta"))
    return sum(counts)
