"""Operations for which the host waits: a step that has one cannot be recorded as a graph."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

INDEXING = (torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default, torch.ops.aten.index_put_.default)
"""Operations that wait for the device only if indices are masks."""


class Reads(TorchDispatchMode):
    """Notices operations for whose results the host waits, or that move tensors between host and device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: str | None = None
        """The last of these operations."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = function(*args, **(kwargs or {}))
        before, behind = _devices((args, kwargs)), _devices(outputs)
        if _waits(function, args) or (before and behind and before.isdisjoint(behind)):
            self.found = str(function)
        return outputs


def _waits(function: Any, args: Any) -> bool:
    """Tell whether what an operation returns, or its shape, follows from values."""
    if function in INDEXING:
        return any(index.dtype in (torch.bool, torch.uint8) for index in args[1] if index is not None)
    return not {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}.isdisjoint(function.tags)


def _devices(values: Any) -> set[torch.device]:
    return {value.device for value in tree_iter(values) if isinstance(value, Tensor)}
