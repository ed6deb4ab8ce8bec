"""The evaluation network: a genotype's cells, stacked.

Source: Liu et al. 2019 (arXiv:1806.09055), section 3.2; Chen et al. 2019 (arXiv:1904.12760), section 4.3.
"""

import torch
from torch import Tensor, nn

from pdarts.errors import InputError
from pdarts.nets.drop_path import kept
from pdarts.nets.execution import Execution
from pdarts.nets.layout import CellLayout, layout, output_channels
from pdarts.nets.node import Branch, State, total
from pdarts.nets.operations import BUILDERS, BatchNorm, Identity
from pdarts.nets.stems import STEMS
from pdarts.space.genotype import Genotype, Pairs
from pdarts.space.topology import KINDS

AUXILIARY_STRIDE = {"cifar": 3, "imagenet": 2}
AUXILIARY_SIZE = {"cifar": 8, "imagenet": 7}


class Cell(nn.Module):
    """A cell of a genotype: two operations into every intermediate node."""

    def __init__(self, cell: CellLayout, pairs: Pairs, concat: tuple[int, ...]) -> None:
        super().__init__()
        self.preprocess0, self.preprocess1 = cell.preprocessing(search=False)
        self.operations = nn.ModuleList(
            BUILDERS[name](cell.channels, cell.stride(source), False) for name, source in pairs
        )
        self.sources = [source for _, source in pairs]
        self.concat = concat

    def forward(self, before_previous: State, previous: State, drop_path: float) -> Tensor:
        """Two inputs to one output of shape (N, nodes * channels, H / stride, W / stride)."""
        states = [total([Branch(self.preprocess0, before_previous)]), total([Branch(self.preprocess1, previous)])]
        for left in range(0, len(self.sources), 2):
            states.append(total(self._branch(place, states, drop_path) for place in (left, left + 1)))
        return torch.cat([states[node].value for node in self.concat], dim=1)

    def _branch(self, place: int, states: list[State], drop_path: float) -> Branch:
        operation, state = self.operations[place], states[self.sources[place]]
        drops = self.training and drop_path > 0 and not isinstance(operation, Identity)
        return Branch(operation, state, kept=kept(state.value, drop_path) if drops else None)


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
        """Shape (N, channels, size, size) to logits of shape (N, classes).

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
        concatenated = {kind: len(genotype.cell(kind)[1]) for kind in KINDS}
        layouts = layout(cells, channels, self.stem.channels, self.stem.reduces, concatenated)
        self.cells = nn.ModuleList(Cell(cell, *genotype.cell(cell.kind)) for cell in layouts)
        self.auxiliary_place = 2 * cells // 3
        self.auxiliary = None
        if auxiliary:
            tapped = output_channels(layouts[self.auxiliary_place], concatenated)
            self.auxiliary = AuxiliaryHead(stem, tapped, classes)
        self.classifier = nn.Linear(output_channels(layouts[-1], concatenated), classes)

    def forward(self, images: Tensor, drop_path: float = 0.0) -> tuple[Tensor, Tensor | None]:
        """Logits of shape (N, classes), and in training those of the auxiliary head where there is one.

        Args:
            images: normalized images, shape (N, 3, H, W); H and W multiples of 4 (cifar) or 32 (imagenet).
            drop_path: probability that a sample's branch is left out, in training.
        """
        auxiliary_logits = None
        with self.execution.autocast(images.device):
            before_previous, previous = self.stem(images)
            for place, cell in enumerate(self.cells):
                output = self.execution.run(cell, before_previous, previous, drop_path)
                before_previous, previous = previous, State(output)
                if self.training and self.auxiliary is not None and place == self.auxiliary_place:
                    auxiliary_logits = self.auxiliary(previous.value).to(images.dtype)
            logits = self.classifier(previous.value.mean(dim=(2, 3)))
        return logits.to(images.dtype), auxiliary_logits
