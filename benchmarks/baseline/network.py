"""The evaluation network of a genotype."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.baseline.operations import FactorizedReduction, Stem, cell_kinds, operation, pointwise
from pdarts.space.genotype import Genotype


def drop_path(x: Tensor, rate: float) -> Tensor:
    """Zero whole samples, and scale the others."""
    mask = torch.bernoulli(torch.full((x.shape[0], 1, 1, 1), 1 - rate, dtype=x.dtype, device=x.device))
    return x.div_(1 - rate).mul_(mask)


class Cell(nn.Module):
    def __init__(self, genotype: Genotype, kind: str, inputs: tuple[int, int], channels: int, after: bool) -> None:
        super().__init__()
        first = FactorizedReduction if after else pointwise
        self.preprocess0, self.preprocess1 = first(inputs[0], channels, True), pointwise(inputs[1], channels, True)
        cell = genotype.cell(kind)
        self._ops = nn.ModuleList(
            operation(name, channels, 2 if kind == "reduction" and source < 2 else 1, affine=True)
            for name, source, _ in cell.edges
        )
        self.sources, self.concat = [edge.source for edge in cell.edges], cell.concat

    def forward(self, before_previous: Tensor, previous: Tensor, rate: float) -> Tensor:
        states = [self.preprocess0(before_previous), self.preprocess1(previous)]
        for left in range(0, len(self.sources), 2):
            branches = []
            for index in (left, left + 1):
                module = self._ops[index]
                branch = module(states[self.sources[index]])
                if self.training and rate > 0 and not isinstance(module, nn.Identity):
                    branch = drop_path(branch, rate)
                branches.append(branch)
            states.append(branches[0] + branches[1])
        return torch.cat([states[node] for node in self.concat], dim=1)


class AuxiliaryHead(nn.Module):
    def __init__(self, stride: int, channels: int, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(5, stride, count_include_pad=False),
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


class Network(nn.Module):
    """Arguments as of `pdarts.nets.network.Network`."""

    def __init__(self, genotype: Genotype, stem: str, cells: int, channels: int, classes: int, auxiliary: bool) -> None:
        super().__init__()
        if stem == "cifar":
            self.stem = Stem(channels)
            inputs, after = (3 * channels, 3 * channels), False
        else:
            self.stem0 = nn.Sequential(
                nn.Conv2d(3, channels // 2, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels // 2),
                nn.ReLU(),
                nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels),
            )
            self.stem1 = nn.Sequential(
                nn.ReLU(), nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels)
            )
            inputs, after = (channels, channels), True
        self.cells, self.tapped = nn.ModuleList(), 2 * cells // 3
        for number, kind in enumerate(cell_kinds(cells)):
            channels *= 2 if kind == "reduction" else 1
            self.cells.append(Cell(genotype, kind, inputs, channels, after))
            inputs, after = (inputs[1], channels * len(genotype.cell(kind).concat)), kind == "reduction"
            if auxiliary and number == self.tapped:
                self.auxiliary_head = AuxiliaryHead(3 if stem == "cifar" else 2, inputs[1], classes)
        self.auxiliary = auxiliary
        self.classifier = nn.Linear(inputs[1], classes)

    def forward(self, images: Tensor, drop_path: float = 0.0) -> tuple[Tensor, Tensor | None]:
        auxiliary_logits = None
        if hasattr(self, "stem"):
            before_previous = previous = self.stem(images)
        else:
            before_previous = self.stem0(images)
            previous = self.stem1(before_previous)
        for number, cell in enumerate(self.cells):
            before_previous, previous = previous, cell(before_previous, previous, drop_path)
            if self.training and self.auxiliary and number == self.tapped:
                auxiliary_logits = self.auxiliary_head(previous)
        return self.classifier(F.adaptive_avg_pool2d(previous, 1).flatten(1)), auxiliary_logits
