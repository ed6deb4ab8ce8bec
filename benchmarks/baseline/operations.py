"""Operations, each a module that does all of its own work. Names are those of the reference's state dicts."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def relu_conv_norm(
    channels_in: int, channels: int, affine: bool, depthwise: dict[str, int] | None = None
) -> list[nn.Module]:
    """ReLU, a depthwise convolution if its arguments are given, 1x1 convolution, BatchNorm."""
    layers: list[nn.Module] = [nn.ReLU()]
    if depthwise is not None:
        layers.append(nn.Conv2d(channels_in, channels_in, groups=channels_in, bias=False, **depthwise))
    layers.append(nn.Conv2d(channels_in, channels, 1, bias=False))
    layers.append(nn.BatchNorm2d(channels, affine=affine))
    return layers


class Layers(nn.Module):
    """Layers in a row, called `op`."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.op = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


def pointwise(channels_in: int, channels: int, affine: bool) -> Layers:
    return Layers(relu_conv_norm(channels_in, channels, affine))


def separable(size: int, channels: int, stride: int, affine: bool) -> Layers:
    first = {"kernel_size": size, "stride": stride, "padding": size // 2}
    second = first | {"stride": 1}
    return Layers(
        [*relu_conv_norm(channels, channels, affine, first), *relu_conv_norm(channels, channels, affine, second)]
    )


def dilated(size: int, channels: int, stride: int, affine: bool) -> Layers:
    depthwise = {"kernel_size": size, "stride": stride, "padding": size - 1, "dilation": 2}
    return Layers(relu_conv_norm(channels, channels, affine, depthwise))


class FactorizedReduction(nn.Module):
    def __init__(self, channels_in: int, channels: int, affine: bool) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(channels_in, channels // 2, 1, stride=2, bias=False)
        self.conv_2 = nn.Conv2d(channels_in, channels // 2, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], dim=1))


class Zero(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride, :: self.stride] * 0


def operation(name: str, channels: int, stride: int, affine: bool) -> nn.Module:
    """One of the operations by name."""
    kind, _, size = name.rpartition("_")
    match kind:
        case "":
            return Zero(stride)
        case "skip":
            return nn.Identity() if stride == 1 else FactorizedReduction(channels, channels, affine)
        case "max_pool":
            return nn.MaxPool2d(3, stride, padding=1)
        case "avg_pool":
            return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
        case "sep_conv":
            return separable(int(size[0]), channels, stride, affine)
        case "dil_conv":
            return dilated(int(size[0]), channels, stride, affine)
        case _:
            return nn.Sequential(
                nn.ReLU(),
                nn.Conv2d(channels, channels, (1, 7), (1, stride), (0, 3), bias=False),
                nn.Conv2d(channels, channels, (7, 1), (stride, 1), (3, 0), bias=False),
                nn.BatchNorm2d(channels, affine=affine),
            )


class Stem(nn.Sequential):
    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(3, 3 * channels, 3, padding=1, bias=False), nn.BatchNorm2d(3 * channels))


def cell_kinds(cells: int) -> list[str]:
    return ["reduction" if number in (cells // 3, 2 * cells // 3) else "normal" for number in range(cells)]
