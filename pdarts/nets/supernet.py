"""The supernet: every edge is the weighted sum of all operations that are still considered.

Source: Liu et al. 2019 (arXiv:1806.09055), section 2.2; Chen et al. 2019 (arXiv:1904.12760), section 3.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from pdarts.nets.drop_path import dropped
from pdarts.nets.execution import Execution
from pdarts.nets.layout import CellLayout, layout, output_channels
from pdarts.nets.node import Branch, NodeValue, node_sum
from pdarts.nets.operations import BUILDERS, Identity
from pdarts.nets.stems import SEARCH_STEMS
from pdarts.space.candidates import Candidates
from pdarts.space.topology import EDGES, INTERMEDIATE, KINDS, NODES, incoming

Weights = Mapping[str, Tensor]
"""Factors of the branches of every edge, per kind of cell, shape (edges, branches): one number an operation, and more
where an edge of a method of search has more."""

Scalars = Sequence[Sequence[Tensor]]
"""Weights of one kind of cell as scalar tensors."""

Parameters = Mapping[str, Mapping[str, Tensor]]
"""Parameters that a search updates beside network weights, such as `alpha`, by name and kind of cell."""


def scalars(weights: Tensor) -> Scalars:
    """Take weights of shape (edges, branches) apart, for one cell, whose gradients then come together at once."""
    flat, branches = weights.flatten().unbind(), weights.shape[1]
    return [flat[first : first + branches] for first in range(0, len(flat), branches)]


class MixedOperation(nn.Module):
    """One edge, which computes all its candidate operations, each times its architecture weight."""

    def __init__(self, candidates: tuple[str, ...], channels: int, stride: int) -> None:
        super().__init__()
        self.candidates = candidates
        self.operations = nn.ModuleDict(
            {name: BUILDERS[name](channels, stride, True) for name in candidates if name != "none"}
        )

    def forward(self, source: NodeValue, weights: Sequence[Tensor], skip_dropout: Tensor | None) -> Iterator[Branch]:
        """Yield the weighted operations one by one.

        Args:
            source: of the node that the edge leaves.
            weights: a scalar for each candidate.
            skip_dropout: rate of the dropout after a skip connection of stride 1, in training; a scalar, or None.
        """
        for name, weight in zip(self.candidates, weights, strict=True):
            if name == "none":
                continue
            operation = self.operations[name]
            if isinstance(operation, Identity) and self.training and skip_dropout is not None:
                yield Branch(operation, NodeValue(dropped(source.value, skip_dropout)), weight)
            else:
                yield Branch(operation, source, weight)


EdgeBuilder = Callable[[tuple[str, ...], int, int], MixedOperation]
"""Builds an edge from its candidates, channels and stride."""


def small_alphas(candidates: Mapping[str, Candidates]) -> Parameters:
    """Draw initial alphas, shape (edges, operations): 0.001 times a normal number, as in DARTS."""
    return {"alpha": {kind: 0.001 * torch.randn(len(EDGES), len(candidates[kind][0])) for kind in KINDS}}


class SearchCell(nn.Module):
    """A cell in which every node sums the edges from all earlier nodes."""

    def __init__(self, cell: CellLayout, candidates: Candidates, edge: EdgeBuilder) -> None:
        super().__init__()
        self.preprocess0, self.preprocess1 = cell.preprocessing(search=True)
        self.edges = nn.ModuleList(
            edge(names, cell.channels, cell.stride(source))
            for names, (source, _) in zip(candidates, EDGES, strict=True)
        )

    def forward(
        self, before_previous: NodeValue, previous: NodeValue, weights: Scalars, skip_dropout: Tensor | None
    ) -> Tensor:
        """Map two inputs to one output, shape (N, nodes * channels, H / stride, W / stride)."""
        nodes = [node_sum([Branch(self.preprocess0, before_previous)]), node_sum([Branch(self.preprocess1, previous)])]
        for node in NODES:
            nodes.append(node_sum(self._branches(node, nodes, weights, skip_dropout)))
        return torch.cat([nodes[node].value for node in NODES], dim=1)

    def _branches(
        self, node: int, nodes: list[NodeValue], weights: Scalars, skip_dropout: Tensor | None
    ) -> Iterator[Branch]:
        for index in incoming(node):
            source, _ = EDGES[index]
            yield from self.edges[index](nodes[source], weights[index], skip_dropout)


class Supernet(nn.Module):
    """Stem, cells, global pooling, classifier, and the architecture parameters that all cells of a kind share.

    Args:
        cells: depth.
        channels: initial channels, even.
        classes: number of classes.
        candidates: operations still considered, per kind of cell; the same number on every edge of a kind.
        stem: `cifar` or `imagenet`, three times as wide as the first cells.
        edge: builds the edges.
        parameters: draws the architecture parameters' initial values.
    """

    def __init__(
        self,
        cells: int,
        channels: int,
        classes: int,
        candidates: Mapping[str, Candidates],
        stem: str = "cifar",
        edge: EdgeBuilder = MixedOperation,
        parameters: Callable[[Mapping[str, Candidates]], Parameters] = small_alphas,
    ) -> None:
        super().__init__()
        self.execution = Execution()
        self.stem = SEARCH_STEMS[stem](channels)
        concatenated = dict.fromkeys(KINDS, INTERMEDIATE)
        layouts = layout(cells, channels, self.stem.channels, self.stem.reduces, concatenated)
        self.candidates = candidates
        self.kinds = [cell.kind for cell in layouts]
        self.cells = nn.ModuleList(SearchCell(cell, candidates[cell.kind], edge) for cell in layouts)
        self.classifier = nn.Linear(output_channels(layouts[-1], concatenated), classes)
        self._weights = dict(self.named_parameters())
        drawn = parameters(candidates)
        self._architecture = tuple(drawn)
        for name, of_kinds in drawn.items():
            self.add_module(name, nn.ParameterDict({kind: nn.Parameter(of_kinds[kind]) for kind in KINDS}))

    @property
    def architecture_parameters(self) -> dict[str, dict[str, nn.Parameter]]:
        """Parameters that a search updates beside network weights, such as `alpha`, by name and kind of cell."""
        return {name: dict(self.get_submodule(name).named_parameters()) for name in self._architecture}

    def alphas(self) -> list[nn.Parameter]:
        """List all architecture parameters, normal before reduction: alphas, (edges, operations), and any others."""
        return [parameter for of_kinds in self.architecture_parameters.values() for parameter in of_kinds.values()]

    def weight_names(self) -> list[str]:
        """List the names of all parameters but the architecture's."""
        return list(self._weights)

    def weights(self) -> list[nn.Parameter]:
        """List all network weights, in the order of `weight_names`."""
        return list(self._weights.values())

    def forward(self, images: Tensor, weights: Weights, skip_dropout: Tensor | None = None) -> Tensor:
        """Compute logits, shape (N, classes).

        Args:
            images: normalized images, shape (N, 3, H, W); H and W multiples of 4 (cifar) or 32 (imagenet).
            weights: the architecture parameters, relaxed.
            skip_dropout: rate of the dropout after skip connections of stride 1, in training, from 0 to below 1; a
                scalar, float64, on the device of the images, or None for no dropout.
        """
        with self.execution.autocast(images.device):
            before_previous, previous = self.stem(images)
            for kind, cell in zip(self.kinds, self.cells, strict=True):
                output = self.execution.run(cell, before_previous, previous, scalars(weights[kind]), skip_dropout)
                before_previous, previous = previous, NodeValue(output)
            logits = self.classifier(previous.value.mean(dim=(2, 3)))
        return logits.to(images.dtype)
