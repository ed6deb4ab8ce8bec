"""The supernet: every edge is the weighted sum of all operations that are still considered.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.2; Chen et al. 2019 (arXiv:1904.12760), section 3.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pdarts.nets.layout import CellLayout, layout, output_channels
from pdarts.nets.operations import BUILDERS, Identity, State
from pdarts.nets.stems import CifarStem
from pdarts.space.candidates import Candidates
from pdarts.space.topology import EDGES, INTERMEDIATE, KINDS, NODES, incoming

EdgeWeights = Sequence[Sequence[Tensor]]
"""A scalar tensor for every operation of every edge of `EDGES`."""


class MixedOperation(nn.Module):
    """One edge: all its candidate operations, each times its architecture weight."""

    def __init__(self, candidates: tuple[str, ...], channels: int, stride: int) -> None:
        super().__init__()
        self.candidates = candidates
        self.operations = nn.ModuleDict(
            {name: BUILDERS[name](channels, stride, True) for name in candidates if name != "none"}
        )

    def forward(self, state: State, weights: Sequence[Tensor], skip_dropout: float) -> Iterator[Tensor]:
        """Yield the weighted operations one by one, each a tensor that nothing else refers to."""
        for name, weight in zip(self.candidates, weights, strict=True):
            if name == "none":
                continue
            operation = self.operations[name]
            if isinstance(operation, Identity):
                yield F.dropout(state.value, skip_dropout, self.training) * weight
            else:
                yield operation(state, weight)


class SearchCell(nn.Module):
    """A cell whose nodes sum over all edges from all earlier nodes."""

    def __init__(self, cell: CellLayout, candidates: Candidates) -> None:
        super().__init__()
        self.preprocess0, self.preprocess1 = cell.preprocessing(search=True)
        self.edges = nn.ModuleList(
            MixedOperation(names, cell.channels, cell.stride(source))
            for names, (source, _) in zip(candidates, EDGES, strict=True)
        )

    def forward(self, before_previous: State, previous: State, weights: EdgeWeights, skip_dropout: float) -> Tensor:
        """Two inputs to one output of shape (N, 4 * channels, H / stride, W / stride)."""
        states = [State(self.preprocess0(before_previous)), State(self.preprocess1(previous))]
        for node in NODES:
            states.append(State(_total(self._contributions(node, states, weights, skip_dropout))))
        return torch.cat([states[node].value for node in NODES], dim=1)

    def _contributions(
        self, node: int, states: list[State], weights: EdgeWeights, skip_dropout: float
    ) -> Iterator[Tensor]:
        for place in incoming(node):
            source, _ = EDGES[place]
            yield from self.edges[place](states[source], weights[place], skip_dropout)


class Supernet(nn.Module):
    """Stem, cells, global pooling, classifier, and the alphas that all cells of a kind share.

    Args:
        cells: depth.
        channels: initial channels, even.
        classes: number of classes.
        candidates: operations still considered, per kind of cell; the same number on every edge of a kind.
    """

    def __init__(self, cells: int, channels: int, classes: int, candidates: Mapping[str, Candidates]) -> None:
        super().__init__()
        self.stem = CifarStem(channels)
        concatenated = dict.fromkeys(KINDS, INTERMEDIATE)
        layouts = layout(cells, channels, self.stem.channels, self.stem.reduces, concatenated)
        self.kinds = [cell.kind for cell in layouts]
        self.cells = nn.ModuleList(SearchCell(cell, candidates[cell.kind]) for cell in layouts)
        self.classifier = nn.Linear(output_channels(layouts[-1], concatenated), classes)
        self.alpha = nn.ParameterDict(
            {kind: nn.Parameter(0.001 * torch.randn(len(EDGES), len(candidates[kind][0]))) for kind in KINDS}
        )

    def alphas(self) -> list[nn.Parameter]:
        """The two matrices of alphas, shape (edges, operations): normal, reduction."""
        return [self.alpha[kind] for kind in KINDS]

    def weights(self) -> list[nn.Parameter]:
        """All network weights, that is all parameters but the alphas."""
        return [parameter for name, parameter in self.named_parameters() if not name.startswith("alpha.")]

    def architecture_weights(self) -> dict[str, Tensor]:
        """Softmax of the alphas over each edge's operations, shape (edges, operations), per kind of cell."""
        return {kind: self.alpha[kind].softmax(dim=1) for kind in KINDS}

    def forward(self, images: Tensor, skip_dropout: float = 0.0) -> Tensor:
        """Logits of shape (N, classes).

        Args:
            images: normalized images, shape (N, 3, H, W), H and W multiples of 4.
            skip_dropout: rate of the dropout behind skip connections of stride 1, in training.
        """
        weights = {kind: [row.unbind() for row in rows.unbind()] for kind, rows in self.architecture_weights().items()}
        before_previous, previous = self.stem(images)
        for kind, cell in zip(self.kinds, self.cells, strict=True):
            output = cell(before_previous, previous, weights[kind], skip_dropout)
            before_previous, previous = previous, State(output)
        return self.classifier(previous.value.mean(dim=(2, 3)))


def _total(values: Iterable[Tensor]) -> Tensor:
    """Sum in place of the first value: no value is referred to elsewhere, nor needed by a backward pass."""
    values = iter(values)
    total = next(values)
    for value in values:
        total += value
    return total
