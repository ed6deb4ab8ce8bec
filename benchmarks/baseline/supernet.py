"""The supernet: every operation of every edge by itself, times its weight."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.baseline.operations import FactorizedReduction, Stem, cell_kinds, operation, pointwise
from pdarts.space.candidates import Candidates
from pdarts.space.topology import EDGES, KINDS, NODES, incoming


class MixedOperation(nn.Module):
    """The weighted sum of an edge's operations; with `share` above 1 on the first 1/`share` of the channels only."""

    def __init__(self, names: tuple[str, ...], channels: int, stride: int, share: int) -> None:
        super().__init__()
        self.m_ops = nn.ModuleList()
        for name in names:
            module = operation(name, channels // share, stride, affine=False)
            if "pool" in name:
                module = nn.Sequential(module, nn.BatchNorm2d(channels // share, affine=False))
            self.m_ops.append(module)
        self.share, self.stride = share, stride

    def forward(self, x: Tensor, weights: Tensor, skip_dropout: float) -> Tensor:
        if self.share == 1:
            return self.mixed(x, weights, skip_dropout)
        channels = x.shape[1] // self.share
        mixed, rest = self.mixed(x[:, :channels], weights, skip_dropout), x[:, channels:]
        if self.stride == 2:
            rest = F.max_pool2d(rest, 2)
        return F.channel_shuffle(torch.cat([mixed, rest], dim=1), self.share)

    def mixed(self, x: Tensor, weights: Tensor, skip_dropout: float) -> Tensor:
        total: Tensor | int = 0
        for module, weight in zip(self.m_ops, weights, strict=True):
            output = module(x)
            if isinstance(module, nn.Identity) and skip_dropout > 0:
                output = F.dropout(output, skip_dropout, self.training)
            total = total + weight * output
        assert isinstance(total, Tensor)
        return total


class Cell(nn.Module):
    def __init__(
        self, kind: str, candidates: Candidates, inputs: tuple[int, int], channels: int, after: bool, share: int
    ):
        super().__init__()
        first = FactorizedReduction if after else pointwise
        self.preprocess0 = first(inputs[0], channels, affine=False)
        self.preprocess1 = pointwise(inputs[1], channels, affine=False)
        self.cell_ops = nn.ModuleList(
            MixedOperation(names, channels, 2 if kind == "reduction" and source < 2 else 1, share)
            for names, (source, _) in zip(candidates, EDGES, strict=True)
        )

    def forward(
        self, before_previous: Tensor, previous: Tensor, weights: Tensor, betas: Tensor | None, skip_dropout: float
    ) -> Tensor:
        states = [self.preprocess0(before_previous), self.preprocess1(previous)]
        for node in NODES:
            edges = []
            for index in incoming(node):
                edge = self.cell_ops[index](states[EDGES[index][0]], weights[index], skip_dropout)
                edges.append(edge if betas is None else betas[index] * edge)
            states.append(sum(edges))
        return torch.cat(states[2:], dim=1)


class Supernet(nn.Module):
    """Arguments as of `pdarts.nets.supernet.Supernet`."""

    def __init__(
        self, cells: int, channels: int, classes: int, candidates: Mapping[str, Candidates], share: int = 1
    ) -> None:
        super().__init__()
        self.stem = Stem(channels)
        self.kinds, self.cells = cell_kinds(cells), nn.ModuleList()
        inputs, after = (3 * channels, 3 * channels), False
        for kind in self.kinds:
            channels *= 2 if kind == "reduction" else 1
            self.cells.append(Cell(kind, candidates[kind], inputs, channels, after, share))
            inputs, after = (inputs[1], 4 * channels), kind == "reduction"
        self.classifier = nn.Linear(inputs[1], classes)
        width = len(candidates["normal"][0])
        self.alphas_normal = nn.Parameter(0.001 * torch.randn(len(EDGES), width))
        self.alphas_reduce = nn.Parameter(0.001 * torch.randn(len(EDGES), width))
        if share > 1:
            self.betas_normal = nn.Parameter(0.001 * torch.randn(len(EDGES)))
            self.betas_reduce = nn.Parameter(0.001 * torch.randn(len(EDGES)))
        self.share = share

    def alphas(self) -> list[nn.Parameter]:
        return [parameter for name, parameter in self.named_parameters() if name.startswith(("alphas_", "betas_"))]

    def weights(self) -> list[nn.Parameter]:
        return [parameter for name, parameter in self.named_parameters() if not name.startswith(("alphas_", "betas_"))]

    def forward(self, images: Tensor, skip_dropout: float = 0.0) -> Tensor:
        weights = dict(zip(KINDS, (self.alphas_normal.softmax(1), self.alphas_reduce.softmax(1)), strict=True))
        betas: dict[str, Tensor | None] = dict.fromkeys(KINDS)
        if self.share > 1:
            betas = {"normal": edge_weights(self.betas_normal), "reduction": edge_weights(self.betas_reduce)}
        before_previous = previous = self.stem(images)
        for kind, cell in zip(self.kinds, self.cells, strict=True):
            output = cell(before_previous, previous, weights[kind], betas[kind], skip_dropout)
            before_previous, previous = previous, output
        return self.classifier(F.adaptive_avg_pool2d(previous, 1).flatten(1))


def edge_weights(betas: Tensor) -> Tensor:
    return torch.cat([betas[incoming(node)].softmax(0) for node in NODES])
