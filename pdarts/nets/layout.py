"""The channels of every cell and the positions of reduction cells, for supernets and evaluation networks alike."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from pdarts.nets.operations import FactorizedReduction, PointwiseConv
from pdarts.space.topology import INPUTS, kinds_of_cells


@dataclass(frozen=True)
class CellLayout:
    """Channels and sizes of a cell's inputs and output."""

    kind: str
    """`normal` or `reduction`."""
    before_previous: int
    """Channels of its first input."""
    previous: int
    """Channels of its second input."""
    channels: int
    """Channels of each of its nodes."""
    after_reduction: bool
    """Whether its first input is twice as high and wide as its second."""

    def preprocessing(self, search: bool) -> tuple[nn.Module, nn.Module]:
        """Build the modules that bring both inputs to the same size and channels."""
        first = FactorizedReduction if self.after_reduction else PointwiseConv
        return first(self.before_previous, self.channels, search), PointwiseConv(self.previous, self.channels, search)

    def stride(self, source: int) -> int:
        """Stride of an edge that leaves node `source`: only edges from input nodes of a reduction cell stride."""
        return 2 if self.kind == "reduction" and source < INPUTS else 1


def layout(
    cells: int, channels: int, stem: tuple[int, int], stem_reduces: bool, concatenated: Mapping[str, int]
) -> list[CellLayout]:
    """Lay out all cells, in order.

    Args:
        cells: number of cells; reduction cells double the channels.
        channels: channels of a node in the first cells.
        stem: channels of the stem's two outputs.
        stem_reduces: whether the stem's second output is half as high and wide as its first.
        concatenated: how many nodes a cell's output concatenates, per kind of cell.

    Source: Liu et al. 2019 (arXiv:1806.09055), section 3.1.1.
    """
    layouts = []
    (before_previous, previous), after_reduction = stem, stem_reduces
    for kind in kinds_of_cells(cells):
        channels *= 2 if kind == "reduction" else 1
        layouts.append(CellLayout(kind, before_previous, previous, channels, after_reduction))
        before_previous, previous = previous, channels * concatenated[kind]
        after_reduction = kind == "reduction"
    return layouts


def output_channels(last: CellLayout, concatenated: Mapping[str, int]) -> int:
    """Return the number of channels of the last cell's output."""
    return last.channels * concatenated[last.kind]
