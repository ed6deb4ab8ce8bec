"""Files of a user's own, which register operations, a method and a schedule, and a place to load them in."""

from collections.abc import Iterator
from contextlib import contextmanager

from pdarts import extensions
from pdarts.settings.methods import METHODS
from pdarts.settings.optimization import SCHEDULES
from pdarts.space.operations import OPERATIONS

DOUBLED = '''\
"""A user's operation."""

from torch import Tensor, nn

from pdarts.extensions import operation
from pdarts.nets.operations import Node, Operation

FACTOR = 2


@operation("doubled")
class Doubled(Operation):
    def __init__(self, channels: int, stride: int, search: bool) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(stride)

    def forward(self, state: Node, scale: Tensor | None = None) -> Tensor:
        value = FACTOR * self.pool(state.value)
        return value if scale is None else value * scale
'''

BOUNDED = '''\
"""A method."""

from torch import Tensor

from pdarts.extensions import method
from pdarts.nets.supernet import Parameters
from pdarts.progressive.methods import p_darts
from pdarts.settings.base import Rate
from pdarts.settings.methods import MethodKeys


class Keys(MethodKeys):
    bound: Rate
    """Largest alpha that costs nothing."""


@method("bounded", Keys)
class Method(p_darts.Method):
    def alphas_penalty(self, parameters: Parameters, epoch: int) -> Tensor | float:
        return sum((alphas.abs() - self.settings.bound).relu().sum() for alphas in parameters["alpha"].values())
'''

HALVING = '''\
"""A schedule."""

from pdarts.extensions import schedule


@schedule("halving")
def halving(epoch: int, epochs: int, first: float, last: float) -> float:
    return max(last, first / 2**epoch)
'''

FILES = {"doubled.py": DOUBLED, "bounded.py": BOUNDED, "halving.py": HALVING}


@contextmanager
def nothing_registered() -> Iterator[None]:
    """What is registered under this is unknown again behind it."""
    lists = [(names, [*names]) for names in (OPERATIONS, SCHEDULES)]
    registries = (METHODS, extensions.builders, extensions.methods, extensions.schedules)
    noted = (extensions._loaded, extensions._origins)
    dicts = [(registry, dict(registry)) for registry in (*registries, *noted)]
    try:
        yield
    finally:
        for names, before in lists:
            names[:] = before
        for registry, content in dicts:
            registry.clear()
            registry.update(content)  # type: ignore[arg-type]
