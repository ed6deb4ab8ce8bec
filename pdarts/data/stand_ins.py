"""Coloured digits that stand in for CIFAR-10, CIFAR-100 and ImageNet in a rehearsal: real images, and always there."""

import torch

from pdarts.data.formats import Labelled, cifar10, cifar100

INKS = (
    (255, 255, 255), (255, 80, 80), (80, 255, 80), (90, 90, 255), (255, 255, 80),
    (255, 80, 255), (80, 255, 255), (255, 160, 60), (160, 100, 255), (150, 150, 150),
)  # fmt: skip
"""Colours, red, green and blue from 0 to 255."""

DIGITS = tuple(f"digit {digit}" for digit in range(10))


def painted(digits: Labelled) -> Labelled:
    """Digits in a colour each, which says nothing about their class; of the same size."""
    return _coloured(digits, torch.arange(len(digits[1])) % len(INKS)), digits[1]


def cifar10_files(train: Labelled, test: Labelled) -> dict[str, bytes]:
    """Files in the format of CIFAR-10 by path, of digits of 16 x 16 pixels."""
    return cifar10(_enlarged(painted(train)), _enlarged(painted(test)), DIGITS)


def cifar100_files(train: Labelled, test: Labelled) -> dict[str, bytes]:
    """Files in the format of CIFAR-100 by path: digit and colour together are the class."""

    def classified(digits: Labelled) -> Labelled:
        inks = torch.arange(len(digits[1])) % len(INKS)
        return _enlarged((_coloured(digits, inks), digits[1] * len(INKS) + inks))

    classes = [f"{digit} in ink {ink}" for digit in DIGITS for ink in range(len(INKS))]
    return cifar100(classified(train), classified(test), classes, [f"coarse {number}" for number in range(20)])


def _coloured(digits: Labelled, inks: torch.Tensor) -> torch.Tensor:
    shades = torch.tensor(INKS)[inks][:, :, None, None]  # (N, 3, 1, 1)
    return (digits[0].int() * shades // 255).to(torch.uint8)


def _enlarged(part: Labelled) -> Labelled:
    """Twice as high and wide."""
    return part[0].repeat_interleave(2, dim=2).repeat_interleave(2, dim=3), part[1]
