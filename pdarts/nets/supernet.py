"""The supernet: every edge is the weighted sum of all operations that are still considered.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.2; Chen et al. 2019 (arXiv:1904.12760), section 3; for partial
channels and edge weights Xu et al. 2020 (arXiv:1907.05737), section 3.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pdarts.nets.drop_path import dropped
from pdarts.nets.execution import Execution
from pdarts.nets.layout import CellLayout, layout, output_channels
from pdarts.nets.node import Branch, State, total
from pdarts.nets.operations import BUILDERS, Identity
from pdarts.nets.stems import CifarStem
from pdarts.space.architecture import Architecture
from pdarts.space.candidates import Candidates
from pdarts.space.topology import EDGES, INTERMEDIATE, KINDS, NODES, incoming

EdgeWeights = Sequence[Sequence[Tensor]]
"""Scalar tensors for every edge of `EDGES`: one an operation, and with partial channels one more for the edge."""


class MixedOperation(nn.Module):
    """One edge: all its candidate operations, each times its architecture weight."""

    def __init__(self, candidates: tuple[str, ...], channels: int, stride: int) -> None:
        super().__init__()
        self.candidates = candidates
        self.operations = nn.ModuleDict(
            {name: BUILDERS[name](channels, stride, True) for name in candidates if name != "none"}
        )

    def forward(self, state: State, weights: Sequence[Tensor], skip_dropout: float) -> Iterator[Branch]:
        """Yield the weighted operations one by one."""
        for name, weight in zip(self.candidates, weights, strict=True):
            if name == "none":
                continue
            operation = self.operations[name]
            if isinstance(operation, Identity) and self.training and skip_dropout > 0:
                yield Branch(operation, State(dropped(state.value, skip_dropout)), weight)
            else:
                yield Branch(operation, state, weight)


class PartialMixedOperation(MixedOperation):
    """An edge that mixes operations of the first 1/`share` of the channels only; the others bypass them."""

    def __init__(self, candidates: tuple[str, ...], channels: int, stride: int, share: int) -> None:
        super().__init__(candidates, channels // share, stride)
        self.stride, self.share = stride, share
        self.whole = Identity()

    def forward(self, state: State, weights: Sequence[Tensor], skip_dropout: float) -> Iterator[Branch]:
        """Yield the edge, channels shuffled, times the edge's weight, which is the last of `weights`."""
        *operation_weights, edge_weight = weights
        part, rest = state.split(self.share, self.stride)
        mixed = total(super().forward(part, operation_weights, skip_dropout)).value
        shuffled = F.channel_shuffle(torch.cat([mixed, rest], dim=1), self.share)
        yield Branch(self.whole, State(shuffled), edge_weight)


class SearchCell(nn.Module):
    """A cell whose nodes sum over all edges from all earlier nodes."""

    def __init__(self, cell: CellLayout, candidates: Candidates, share: int) -> None:
        super().__init__()
        self.preprocess0, self.preprocess1 = cell.preprocessing(search=True)
        edge = MixedOperation if share == 1 else partial(PartialMixedOperation, share=share)
        self.edges = nn.ModuleList(
            edge(names, cell.channels, cell.stride(source))
            for names, (source, _) in zip(candidates, EDGES, strict=True)
        )

    def forward(self, before_previous: State, previous: State, weights: EdgeWeights, skip_dropout: float) -> Tensor:
        """Two inputs to one output of shape (N, 4 * channels, H / stride, W / stride)."""
        states = [total([Branch(self.preprocess0, before_previous)]), total([Branch(self.preprocess1, previous)])]
        for node in NODES:
            states.append(total(self._branches(node, states, weights, skip_dropout)))
        return torch.cat([states[node].value for node in NODES], dim=1)

    def _branches(self, node: int, states: list[State], weights: EdgeWeights, skip_dropout: float) -> Iterator[Branch]:
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
        share: 1/`share` of the channels go through operations; above 1, edges have weights of their own too.
    """

    def __init__(
        self, cells: int, channels: int, classes: int, candidates: Mapping[str, Candidates], share: int = 1
    ) -> None:
        super().__init__()
        self.execution = Execution()
        self.stem = CifarStem(channels)
        concatenated = dict.fromkeys(KINDS, INTERMEDIATE)
        layouts = layout(cells, channels, self.stem.channels, self.stem.reduces, concatenated)
        self.candidates = candidates
        self.kinds = [cell.kind for cell in layouts]
        self.cells = nn.ModuleList(SearchCell(cell, candidates[cell.kind], share) for cell in layouts)
        self.classifier = nn.Linear(output_channels(layouts[-1], concatenated), classes)
        self.alpha = nn.ParameterDict(
            {kind: nn.Parameter(0.001 * torch.randn(len(EDGES), len(candidates[kind][0]))) for kind in KINDS}
        )
        weighted = KINDS if share > 1 else ()
        self.beta = nn.ParameterDict({kind: nn.Parameter(0.001 * torch.randn(len(EDGES))) for kind in weighted})
        self._weights = {
            name: parameter for name, parameter in self.named_parameters() if not name.startswith(("alpha.", "beta."))
        }

    def alphas(self) -> list[nn.Parameter]:
        """The two matrices of alphas, shape (edges, operations), normal and reduction; and betas, shape (edges,)."""
        return [*self.alpha.values(), *self.beta.values()]

    def weight_names(self) -> list[str]:
        """Names of all parameters but the alphas and betas."""
        return list(self._weights)

    def weights(self) -> list[nn.Parameter]:
        """All network weights, in the order of `weight_names`."""
        return list(self._weights.values())

    def architecture(self) -> Architecture:
        """The weights of operations and edges as they stand, in full double precision, on the CPU."""
        alphas = {kind: alpha.detach().cpu().double() for kind, alpha in self.alpha.items()}
        betas = {kind: beta.detach().cpu().double() for kind, beta in self.beta.items()}
        return Architecture(
            self.candidates,
            {kind: alpha.softmax(dim=1) for kind, alpha in alphas.items()},
            {kind: _edge_weights(beta) for kind, beta in betas.items()} if betas else None,
        )

    def forward(self, images: Tensor, skip_dropout: float = 0.0) -> Tensor:
        """Logits of shape (N, classes).

        Args:
            images: normalized images, shape (N, 3, H, W), H and W multiples of 4.
            skip_dropout: rate of the dropout behind skip connections of stride 1, in training.
        """
        weights = {kind: self._scalars(kind) for kind in KINDS}
        with self.execution.autocast(images.device):
            before_previous, previous = self.stem(images)
            for kind, cell in zip(self.kinds, self.cells, strict=True):
                output = self.execution.run(cell, before_previous, previous, weights[kind], skip_dropout)
                before_previous, previous = previous, State(output)
            logits = self.classifier(previous.value.mean(dim=(2, 3)))
        return logits.to(images.dtype)

    def _scalars(self, kind: str) -> EdgeWeights:
        """Softmax of the alphas over each edge's operations, and behind it the edge's weight where it has one."""
        weights = self.alpha[kind].softmax(dim=1)  # (edges, operations)
        if self.beta:
            weights = torch.cat([weights, _edge_weights(self.beta[kind])[:, None]], dim=1)
        return [row.unbind() for row in weights.unbind()]


def _edge_weights(betas: Tensor) -> Tensor:
    """Softmax over the edges into each node, shape (edges,)."""
    return torch.cat([betas[incoming(node)].softmax(dim=0) for node in NODES])
