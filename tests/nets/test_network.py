"""Sizes, drop path, auxiliary head, reductions, image sizes of evaluation networks."""

import pytest
import torch
from torch import nn

from pdarts.errors import InputError
from pdarts.nets.count import multiply_adds, parameters
from pdarts.nets.drop_path import kept
from pdarts.nets.layout import layout
from pdarts.nets.network import Network
from pdarts.nets.operations import FactorizedReduction, Identity
from tests.genotypes import published
from tests.searching import scalar

SIZES = [
    ("cifar", 36, 20, 10, "PDARTS", 3433798, 532174464),
    ("cifar", 36, 20, 10, "DARTS_V1", 3169414, 500987520),
    ("cifar", 36, 20, 10, "DARTS_V2", 3349342, 528359040),
    ("cifar", 36, 20, 10, "NASNet", 3830950, 603452448),
    ("cifar", 36, 20, 10, "AmoebaNet", 3145078, 488931552),
    ("cifar", 36, 20, 100, "PDARTS", 3485728, 532226304),
    ("cifar", 64, 20, 10, "PDARTS", 10521802, 1615865856),
    ("cifar", 64, 20, 100, "PDARTS", 10614052, 1615958016),
    ("imagenet", 48, 14, 1000, "PDARTS", 4944352, 542819328),
    ("imagenet", 48, 14, 1000, "DARTS_V2", 4718752, 529911552),
    ("imagenet", 48, 14, 1000, "NASNet", 5564320, 604031616),
]


@pytest.mark.parametrize(("stem", "channels", "cells", "classes", "genotype", "size", "cost"), SIZES)
def test_networks_have_exactly_the_published_sizes(
    stem: str, channels: int, cells: int, classes: int, genotype: str, size: int, cost: int
) -> None:
    with torch.device("meta"):
        network = Network(published(genotype), stem, cells, channels, classes, auxiliary=True)
        assert parameters(network) == size
        assert multiply_adds(network, 32 if stem == "cifar" else 224) == cost
    assert network.training


def test_the_auxiliary_head_adds_its_own_parameters() -> None:
    with torch.device("meta"):
        network = Network(published("PDARTS"), "cifar", 20, 36, 10, auxiliary=True)
    assert sum(parameter.numel() for parameter in network.parameters()) == 3910224


def test_drop_path_keeps_the_mean_and_drops_whole_samples() -> None:
    torch.manual_seed(0)
    factors = kept(torch.ones(20000, 2, 3, 3), scalar(0.3))
    assert factors.shape == (20000, 1, 1, 1)
    assert factors.mean().item() == pytest.approx(1, abs=0.01)
    torch.testing.assert_close(factors.unique(), torch.tensor([0, 1 / 0.7]))


def network_of_skips(auxiliary: bool = False) -> Network:
    return Network(published("PDARTS"), "cifar", 5, 4, 10, auxiliary)


def test_drop_path_is_behind_everything_but_skips_of_stride_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def record(x: torch.Tensor, rate: torch.Tensor) -> torch.Tensor:
        seen.append(float(rate))
        return kept(x, rate)

    monkeypatch.setattr("pdarts.nets.network.kept", record)
    network = network_of_skips()
    operations = [operation for cell in network.cells for operation in cell.operations]
    network(torch.randn(2, 3, 16, 16), drop_path=scalar(0.2))
    assert seen == [0.2] * sum(not isinstance(operation, Identity) for operation in operations)
    assert 0 < len(seen) < len(operations)


def test_drop_path_is_idle_in_evaluation() -> None:
    network, images = network_of_skips().eval(), torch.randn(2, 3, 16, 16)
    assert torch.equal(network(images, drop_path=scalar(0.5))[0], network(images)[0])


def test_the_auxiliary_head_speaks_in_training_only() -> None:
    network, images = network_of_skips(auxiliary=True), torch.randn(2, 3, 32, 32)
    assert network(images)[1] is not None
    assert network.eval()(images)[1] is None


def test_an_auxiliary_head_refuses_images_of_another_size() -> None:
    with pytest.raises(InputError, match="8x8 pixels, not 4x4; set auxiliary_weight to null"):
        network_of_skips(auxiliary=True)(torch.randn(2, 3, 16, 16))


@pytest.mark.parametrize("size", [17, 18])
def test_images_that_cannot_be_halved_twice_are_refused(size: int) -> None:
    with pytest.raises(InputError, match="cannot be halved"):
        network_of_skips()(torch.randn(2, 3, size, size))


def test_odd_channels_are_refused() -> None:
    with pytest.raises(InputError, match="5 channels cannot be halved"):
        FactorizedReduction(4, 5, search=False)


def test_a_third_and_two_thirds_down_the_network_cells_reduce_and_double_the_channels() -> None:
    cells = layout(20, 36, (108, 108), False, {"normal": 4, "reduction": 4})
    assert [index for index, cell in enumerate(cells) if cell.kind == "reduction"] == [6, 13]
    assert [cell.channels for cell in cells] == [36] * 6 + [72] * 7 + [144] * 7
    assert [index for index, cell in enumerate(cells) if cell.after_reduction] == [7, 14]


def test_reduction_cells_stride_only_from_their_inputs() -> None:
    network = network_of_skips()
    strided = [
        (index, layer.stride)
        for index, cell in enumerate(network.cells)
        for operation in cell.operations
        for layer in operation.modules()
        if isinstance(layer, nn.Conv2d) and layer.stride != (1, 1)
    ]
    assert {index for index, _ in strided} == {1, 3}
    assert network.cells[1].sources == [0, 1, 0, 2, 0, 1, 1, 3]
