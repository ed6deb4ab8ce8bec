"""Colours digits, which stand in for CIFAR-10, CIFAR-100 and ImageNet in rehearsals: real images, no download."""

import torch

from pdarts.data.formats import Labelled, cifar10, cifar100

INKS = (
    (255, 255, 255), (255, 80, 80), (80, 255, 80), (90, 90, 255), (255, 255, 80),
    (255, 80, 255), (80, 255, 255), (255, 160, 60), (160, 100, 255), (150, 150, 150),
)  # fmt: skip
"""Red, green and blue of each colour, from 0 to 255."""

DIGITS = tuple(f"digit {digit}" for digit in range(10))


def painted(digits: Labelled) -> Labelled:
    """Give each digit a colour that does not depend on its class; the size stays."""
    return _coloured(digits, torch.arange(len(digits[1])) % len(INKS)), digits[1]


def cifar10_files(train: Labelled, test: Labelled) -> dict[str, bytes]:
    """Contents of files in CIFAR-10's format by path, made of digits of 16 x 16 pixels."""
    return cifar10(_enlarged(painted(train)), _enlarged(painted(test)), DIGITS)


def cifar100_files(train: Labelled, test: Labelled) -> dict[str, bytes]:
    """Contents of files in CIFAR-100's format by path; digit and colour together are the class."""

    def classified(digits: Labelled) -> Labelled:
        inks = torch.arange(len(digits[1])) % len(INKS)
        return _enlarged((_coloured(digits, inks), digits[1] * len(INKS) + inks))

    classes = [f"{digit} in ink {ink}" for digit in DIGITS for ink in range(len(INKS))]
    return cifar100(classified(train), classified(test), classes, [f"coarse {number}" for number in range(20)])


def _coloured(digits: Labelled, inks: torch.Tensor) -> torch.Tensor:
    shades = torch.tensor(INKS)[inks][:, :, None, None]  # (N, 3, 1, 1)
    return (digits[0].int() * shades // 255).to(torch.uint8)


def _enlarged(part: Labelled) -> Labelled:
    """Double height and width."""
    return part[0].repeat_interleave(2, dim=2).repeat_interleave(2, dim=3), part[1]
