"""Finds where two values differ that results files hold: plain values by what they print as, tensors bit by bit."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

import torch
from torch import Tensor

SHOWN, BEFORE = 60, 20
"""Characters of a value that are shown, and how many of them before the first that differs."""


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


class Difference(NamedTuple):
    """Where two values differ, and how."""

    where: str
    """Keys and indices that lead there."""
    how: str
    """Both values, or how far two tensors are apart."""


def differences(one: Any, other: Any, where: str = "") -> Iterator[Difference]:
    """Yield all differences of two values, in order; the order of keys counts, NaN equals itself and 0.0 is not -0.0.

    Args:
        one: numbers, text and tensors, in mappings, lists and tuples.
        other: the like.
        where: what leads to both.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys([*one, *other]):
            yield from differences(
                one.get(key, ABSENT), other.get(key, ABSENT), f"{where}.{key}" if where else str(key)
            )
        if list(one) != list(other) and set(one) == set(other):
            yield Difference(where, "the same keys in another order")
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        for index, pair in enumerate(zip_longest(one, other, fillvalue=ABSENT)):
            yield from differences(*pair, f"{where}[{index}]")
    elif isinstance(one, Tensor) and isinstance(other, Tensor) and (one.dtype, one.shape) == (other.dtype, other.shape):
        if not torch.equal(_bytes(one), _bytes(other)):
            yield Difference(where, _apart(one, other))
    elif (texts := (_text(one), _text(other)))[0] != texts[1]:
        yield Difference(where, _both(*texts))


def _bytes(tensor: Tensor) -> Tensor:
    """Shape (values, bytes of each), however the tensor lies in memory."""
    return tensor.contiguous().reshape(-1, 1).view(torch.uint8)


def _apart(one: Tensor, other: Tensor) -> str:
    differing = int((_bytes(one) != _bytes(other)).any(dim=1).sum())
    largest = float((one.double() - other.double()).abs().max())
    return f"{differing} of {one.numel()} values differ, by {largest:.3g} at most"


def _text(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    return repr(value)


def _both(one: str, other: str) -> str:
    """Both texts, of long ones what stands about the first character that differs."""
    pairs = enumerate(zip(one, other, strict=False))
    same = next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
    first = 0 if max(len(one), len(other)) <= SHOWN else max(0, same - BEFORE)
    return " | ".join(
        ("…" if first else "") + text[first : first + SHOWN] + ("…" if len(text) > first + SHOWN else "")
        for text in (one, other)
    )
