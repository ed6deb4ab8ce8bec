"""Dropout, parameter groups, shared work and refusals of the supernet."""

import pytest
import torch

from pdarts.errors import InputError
from pdarts.nets.supernet import Supernet
from pdarts.space.candidates import all_candidates
from pdarts.space.operations import CANDIDATES
from tests.searching import point_of, scalar, training_of


def supernet_of(operations: tuple[str, ...] = CANDIDATES, cells: int = 3) -> Supernet:
    torch.manual_seed(0)
    return Supernet(cells, 2, 10, all_candidates(operations))


def logits(supernet: Supernet, images: torch.Tensor, skip_dropout: float | None = None) -> torch.Tensor:
    weights = {kind: alphas.softmax(1) for kind, alphas in supernet.architecture_parameters["alpha"].items()}
    return supernet(images, weights, None if skip_dropout is None else scalar(skip_dropout))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(4, 3, 16, 16), torch.arange(4)


def test_weights_and_alphas_are_all_parameters_and_share_none() -> None:
    supernet = supernet_of()
    groups = [*map(id, supernet.weights()), *map(id, supernet.alphas())]
    assert len(set(groups)) == len(groups) == len(list(supernet.parameters()))
    assert [tuple(alphas.shape) for alphas in supernet.alphas()] == [(14, 8), (14, 8)]


def test_dropout_is_only_behind_skips_of_stride_one() -> None:
    images, _ = batch()
    without_skips = supernet_of(("max_pool_3x3", "sep_conv_3x3"))
    assert torch.equal(logits(without_skips, images, 0.5), logits(without_skips, images))
    with_skips = supernet_of(("skip_connect", "sep_conv_3x3"))
    assert not torch.equal(logits(with_skips, images, 0.5), logits(with_skips, images))


def test_reduction_cells_have_no_dropout_on_their_strided_skips() -> None:
    torch.manual_seed(0)
    supernet = Supernet(1, 2, 10, all_candidates(("skip_connect", "sep_conv_3x3")))
    assert supernet.kinds == ["reduction"]
    shapes: list[torch.Size] = []

    def record(x: torch.Tensor, rate: torch.Tensor) -> torch.Tensor:
        shapes.append(x.shape)
        return x

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pdarts.nets.supernet.dropped", record)
        logits(supernet, batch()[0], 0.5)
    assert shapes == [torch.Size([4, 4, 8, 8])] * 6  # edges between intermediate nodes


def test_dropout_is_idle_in_evaluation() -> None:
    supernet, (images, _) = supernet_of().eval(), batch()
    assert torch.equal(logits(supernet, images, 0.5), logits(supernet, images))


def test_a_step_of_the_alphas_computes_no_gradient_of_weights_and_the_other_way_round() -> None:
    training = training_of(all_candidates(CANDIDATES), channels=2)
    supernet, point = training.supernet, point_of(training, 0)
    before = [weight.clone() for weight in supernet.weights()]
    training.method.update_alphas(point, batch(), batch())
    assert all(weight.grad is None for weight in supernet.weights())
    assert all(torch.equal(old, new) for old, new in zip(before, supernet.weights(), strict=True))
    point.alphas.zero_grad()
    alphas = [alpha.clone() for alpha in supernet.alphas()]
    training.method.update_weights(point, batch())
    assert all(alpha.grad is None for alpha in supernet.alphas())
    assert all(torch.equal(old, new) for old, new in zip(alphas, supernet.alphas(), strict=True))
    assert any(not torch.equal(old, new) for old, new in zip(before, supernet.weights(), strict=True))


def test_statistics_of_pooling_are_equal_on_all_edges_that_leave_a_node() -> None:
    supernet = supernet_of(("max_pool_3x3", "sep_conv_3x3"))
    logits(supernet, batch()[0])
    edges = supernet.cells[0].edges
    norms = [edges[index].operations["max_pool_3x3"].norm for index in (0, 2, 5, 9)]  # all leave node 0
    assert norms[0].running_mean.abs().sum() > 0
    for norm in norms[1:]:
        assert torch.equal(norm.running_mean, norms[0].running_mean)
        assert torch.equal(norm.running_var, norms[0].running_var)


@pytest.mark.parametrize("size", [15, 18])
def test_images_that_cannot_be_halved_twice_are_refused(size: int) -> None:
    with pytest.raises(InputError, match="cannot be halved"):
        logits(supernet_of(), torch.randn(2, 3, size, size))
