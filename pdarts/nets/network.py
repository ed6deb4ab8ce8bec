"""The evaluation network, which stacks the cells of a genotype.

Source: Liu et al. 2019 (arXiv:1806.09055), section 3.2; Chen et al. 2019 (arXiv:1904.12760), section 4.3.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from pdarts.errors import InputError
from pdarts.nets.drop_path import kept
from pdarts.nets.execution import Execution
from pdarts.nets.layout import CellLayout, layout, output_channels
from pdarts.nets.node import Branch, NodeValue, node_sum
from pdarts.nets.operations import BUILDERS, BatchNorm
from pdarts.nets.stems import STEMS
from pdarts.space.genotype import CellGenotype, Genotype
from pdarts.space.topology import KINDS, reductions

AUXILIARY_STRIDE = {"cifar": 3, "imagenet": 2}
AUXILIARY_SIZE = {"cifar": 8, "imagenet": 7}


class Cell(nn.Module):
    """A cell of a genotype: every node is the sum of its operations."""

    def __init__(self, cell: CellLayout, genotype: CellGenotype) -> None:
        super().__init__()
        self.preprocess0, self.preprocess1 = cell.preprocessing(search=False)
        self.operations = nn.ModuleList(
            BUILDERS[edge.operation](cell.channels, cell.stride(edge.source), False) for edge in genotype.edges
        )
        self.sources = [edge.source for edge in genotype.edges]
        targets = [edge.target for edge in genotype.edges]
        self.indices = {node: [index for index, target in enumerate(targets) if target == node] for node in targets}
        self.concat, self.drops_nodes = genotype.concat, genotype.drops_nodes

    def forward(self, before_previous: NodeValue, previous: NodeValue, drop_path: Tensor | None) -> Tensor:
        """Map two inputs to one output of shape (N, nodes * channels, H / stride, W / stride)."""
        preprocessed = Branch(self.preprocess0, before_previous), Branch(self.preprocess1, previous)
        nodes = {node: node_sum([branch]) for node, branch in enumerate(preprocessed)}
        for node, indices in self.indices.items():
            nodes[node] = node_sum(self._branches(indices, nodes, drop_path if self.training else None))
        return torch.cat([nodes[node].value for node in self.concat], dim=1)

    def _branches(
        self, indices: Sequence[int], nodes: Mapping[int, NodeValue], drop_path: Tensor | None
    ) -> Iterator[Branch]:
        """Yield the branches that a node sums; where drop path acts on the sum, all have the same factors."""
        factors = None if drop_path is None or not self.drops_nodes else kept(nodes[0].value, drop_path)
        for index in indices:
            operation, source = self.operations[index], nodes[self.sources[index]]
            if drop_path is not None and not self.drops_nodes:
                factors = None if operation.spared else kept(source.value, drop_path)
            yield Branch(operation, source, kept=factors)


class AuxiliaryHead(nn.Module):
    """A second classifier on the output of the second reduction cell, in training only."""

    def __init__(self, stem: str, channels: int, classes: int) -> None:
        super().__init__()
        self.size = AUXILIARY_SIZE[stem]
        self.features = nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(5, AUXILIARY_STRIDE[stem], count_include_pad=False),
            nn.Conv2d(channels, 128, 1, bias=False),
            BatchNorm(128, affine=True),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            BatchNorm(768, affine=True),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map feature maps, shape (N, channels, size, size), to logits, shape (N, classes).

        Raises:
            InputError: if the feature map has another size.
        """
        if x.shape[2:] != (self.size, self.size):
            raise InputError(
                f"the auxiliary head needs a feature map of {self.size}x{self.size} pixels, not "
                f"{x.shape[2]}x{x.shape[3]}; set auxiliary_weight to null for images of this size"
            )
        return self.classifier(self.features(x).flatten(1))


class Network(nn.Module):
    """Stem, cells, global pooling, classifier.

    Args:
        genotype: its cells.
        stem: `cifar` or `imagenet`.
        cells: depth.
        channels: initial channels, even.
        classes: number of classes.
        auxiliary: whether to build the auxiliary head.
    """

    def __init__(self, genotype: Genotype, stem: str, cells: int, channels: int, classes: int, auxiliary: bool) -> None:
        super().__init__()
        self.execution = Execution()
        self.stem = STEMS[stem](channels)
        genotypes = {kind: genotype.cell(kind) for kind in KINDS}
        concatenated = {kind: len(cell.concat) for kind, cell in genotypes.items()}
        layouts = layout(cells, channels, self.stem.channels, self.stem.reduces, concatenated)
        self.cells = nn.ModuleList(Cell(cell, genotypes[cell.kind]) for cell in layouts)
        _, self.auxiliary_index = reductions(cells)
        self.auxiliary = None
        if auxiliary:
            tapped = output_channels(layouts[self.auxiliary_index], concatenated)
            self.auxiliary = AuxiliaryHead(stem, tapped, classes)
        self.classifier = nn.Linear(output_channels(layouts[-1], concatenated), classes)

    def forward(self, images: Tensor, drop_path: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Compute logits, shape (N, classes), and in training those of the auxiliary head, if there is one.

        Args:
            images: normalized images, shape (N, 3, H, W); H and W multiples of 4 (cifar) or 32 (imagenet).
            drop_path: probability in training that an image's branch, or its sum of a node's branches, is left out; a
                scalar, float64, on the device of the images, or None for no drop path.
        """
        auxiliary_logits = None
        with self.execution.autocast(images.device):
            before_previous, previous = self.stem(images)
            for index, cell in enumerate(self.cells):
                output = self.execution.run(cell, before_previous, previous, drop_path)
                before_previous, previous = previous, NodeValue(output)
                if self.training and self.auxiliary is not None and index == self.auxiliary_index:
                    auxiliary_logits = self.auxiliary(previous.value).to(images.dtype)
            logits = self.classifier(previous.value.mean(dim=(2, 3)))
        return logits.to(images.dtype), auxiliary_logits
