"""A tape that takes the place of a CUDA graph on a CPU: it repeats a step's operations as they were recorded.

As in a graph, numbers of Python and addresses of tensors are those of the recording; other than there, so is nothing.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class Tape(TorchDispatchMode):
    """Records operations. One tape holds one step."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[tuple[Any, Any, Any, list[tuple[int, Tensor]]]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = function(*args, **(kwargs or {}))
        known = {place(x) for x in tree_iter((args, kwargs)) if isinstance(x, Tensor)}
        made = [
            (index, x)
            for index, x in enumerate(tree_iter(outputs))
            if isinstance(x, Tensor) and place(x) not in known  # else it was changed in place, or is a view
        ]
        self.operations.append((function, args, kwargs or {}, made))
        return outputs

    @torch.no_grad()
    def replay(self) -> None:
        """Repeat all operations, each into the tensors that the recording made."""
        for function, args, kwargs, made in self.operations:
            found = list(tree_iter(function(*args, **kwargs)))
            for index, tensor in made:
                tensor.copy_(found[index])


def place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class Recorder:
    """Records tapes, and counts replays."""

    def __init__(self) -> None:
        self.replays = 0

    def __call__(self) -> "Recorder":
        """Record for another run."""
        return self

    def warm(self, step: Callable[[], Any]) -> Any:
        """Compute a step."""
        return step()

    def record(self, step: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        """Record a step, which is computed meanwhile."""
        with Tape() as tape:
            outputs = step()

        def replay() -> None:
            self.replays += 1
            tape.replay()

        return outputs, replay
