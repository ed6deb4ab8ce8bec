"""Comparison of a replay with the step that it repeats."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_flatten

TOLERANCE = 0.01
"""Largest difference between a replay and the step, in parts of what the step changes, where its own bits vary."""


def changed_by(parts: Mapping[str, nn.Module | Optimizer]) -> list[Tensor]:
    """List the tensors that updates change: parameters and buffers of networks, and what optimizers hold."""
    found: list[Tensor] = []
    for part in parts.values():
        if isinstance(part, nn.Module):
            found += part.state_dict().values()
        else:
            found += (value for held in part.state.values() for value in held.values() if isinstance(value, Tensor))
    return found


def attributes(holder: object) -> tuple[list[Any], Any]:
    """Copy what the attributes of an object hold, and how it is arranged."""
    leaves, arranged = tree_flatten(dict(vars(holder)))
    return [one.detach().clone() if isinstance(one, Tensor) else copy.deepcopy(one) for one in leaves], arranged


def holds(holder: object, before: tuple[list[Any], Any]) -> bool:
    """Tell whether the attributes of an object are what they were."""
    after = attributes(holder)
    if before[1] != after[1]:
        return False
    return all(
        one.equal(other) if isinstance(one, Tensor) and isinstance(other, Tensor) else one == other
        for one, other in zip(before[0], after[0], strict=True)
    )


def agrees(replayed: list[Tensor], once: list[Tensor], again: list[Tensor], before: list[Tensor]) -> bool:
    """Tell whether a replay computes what the step does: to the last bit, if the step repeats to the last bit.

    Args:
        replayed: outputs of the replay, and what it changed.
        once: the same of the step.
        again: the same of the step, computed again from the same state.
        before: what all three start from; zeros for outputs.
    """
    if _same(once, again):
        return _same(replayed, again)
    apart = zip(replayed, again, before, strict=True)
    return all(one.equal(other) or _norm(one, other) <= TOLERANCE * _norm(other, first) for one, other, first in apart)


def _norm(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).norm())


def _same(one: Iterable[Tensor], other: Iterable[Tensor]) -> bool:
    return all(a.equal(b) for a, b in zip(one, other, strict=True))


def copies(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]
