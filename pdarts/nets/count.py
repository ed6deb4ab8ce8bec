"""The size of an evaluation network, as it stands in tables."""

import torch
from torch import Tensor, nn


def parameters(network: nn.Module) -> int:
    """Number of parameters, the auxiliary head left out."""
    return sum(parameter.numel() for name, parameter in network.named_parameters() if not name.startswith("auxiliary."))


def multiply_adds(network: nn.Module, image_size: int) -> int:
    """Multiply-adds of convolutions and linear layers for one image, the auxiliary head left out.

    Args:
        network: on any device, in any mode; both stay as they are.
        image_size: height and width in pixels.
    """
    counts = []

    def count(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        counts.append(output[0, 0].numel() * weight.numel() if output.dim() == 4 else weight.numel())

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    training = network.training
    try:
        with torch.no_grad():
            weight = next(network.parameters())
            network.eval()(weight.new_zeros(1, 3, image_size, image_size))
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return sum(counts)
