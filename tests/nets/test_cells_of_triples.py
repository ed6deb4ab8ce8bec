"""Cells with none to two edges a node: sizes, values and gradients, and drop path on a node's sum."""

import pytest
import torch
from torch import Tensor

from pdarts.errors import InputError
from pdarts.nets.count import multiply_adds, parameters
from pdarts.nets.drop_path import kept
from pdarts.nets.layout import CellLayout
from pdarts.nets.network import Cell, Network
from pdarts.nets.node import NodeValue
from pdarts.nets.reference_export import reference_state
from pdarts.nets.reference_network import network_arguments, network_state
from pdarts.space.genotype import Genotype
from tests.genotypes import published
from tests.searching import scalar

FAIR = [f"FairDARTS_{letter}" for letter in "abcdefg"]
SPARSE = Genotype(
    normal=(
        ("sep_conv_3x3", 2, 0),
        ("dil_conv_3x3", 4, 2),
        ("skip_connect", 4, 0),
        ("sep_conv_5x5", 5, 3),
    ),
    normal_concat=(2, 3, 4, 5),
    reduce=(("max_pool_3x3", 2, 0), ("skip_connect", 2, 1), ("dil_conv_3x3", 3, 2)),
    reduce_concat=(2, 3, 4, 5),
)
"""Of the normal cell nodes 2 and 4 exist, of the reduction cell 2 and 3."""


def sparse_cell() -> Cell:
    """The normal cell: 4 channels from inputs of 6 and 3."""
    torch.manual_seed(0)
    return Cell(CellLayout("normal", 6, 3, 4, after_reduction=False), SPARSE.cell("normal")).double()


def inputs(images: int = 5) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return (
        torch.randn(images, 6, 8, 8, dtype=torch.float64, requires_grad=True),
        torch.randn(images, 3, 8, 8, dtype=torch.float64, requires_grad=True),
    )


def by_hand(cell: Cell, before_previous: NodeValue, previous: NodeValue, drop_path: Tensor) -> Tensor:
    """The normal cell in PyTorch's own operations."""
    separable, dilated, skip = cell.operations
    node0 = NodeValue(cell.preprocess0(before_previous))
    cell.preprocess1(previous)  # which no edge reads
    node2 = separable(node0) * kept(node0.value, drop_path)
    node4 = (dilated(NodeValue(node2)) + skip(node0)) * kept(node0.value, drop_path)
    return torch.cat([node2, node4], 1)


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10 * float(expected.detach().abs().max()))


@pytest.mark.parametrize("drop_path", [0.0, 0.4])
def test_a_cell_and_its_gradients_are_what_its_edges_say(drop_path: float) -> None:
    found = []
    for compute in (Cell.forward, by_hand):
        cell, (before_previous, previous) = sparse_cell(), inputs()
        torch.manual_seed(2)
        output = compute(cell, NodeValue(before_previous), NodeValue(previous), scalar(drop_path))
        output.backward(torch.linspace(-1, 2, output.numel(), dtype=output.dtype).cos().view_as(output))
        gradients = {name: weight.grad for name, weight in cell.named_parameters() if "preprocess1" not in name}
        found.append({"output": output, "input": before_previous.grad} | gradients | dict(cell.named_buffers()))
    ours, theirs = found
    assert ours["output"].shape == (5, 8, 8, 8)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        close(tensor, theirs[name])


def test_drop_path_drops_a_sample_s_whole_node_skips_included_and_keeps_the_mean() -> None:
    genotype = Genotype(
        normal=(("sep_conv_3x3", 2, 0), ("skip_connect", 2, 1), ("skip_connect", 4, 0), ("skip_connect", 4, 1)),
        normal_concat=(2, 4),
        reduce=SPARSE.reduce,
        reduce_concat=SPARSE.reduce_concat,
    )
    cell = Cell(CellLayout("normal", 6, 3, 4, after_reduction=False), genotype.cell("normal")).double()
    before_previous, previous = inputs(4000)
    with torch.no_grad():
        whole, dropped = (cell(NodeValue(before_previous), NodeValue(previous), scalar(rate)) for rate in (0.0, 0.25))
    factors = (dropped / whole).unflatten(1, (2, 4)).flatten(2)
    of_nodes = factors.mean(2)
    torch.testing.assert_close(factors, of_nodes[:, :, None].expand_as(factors))
    torch.testing.assert_close(of_nodes.unique().round(decimals=9).unique(), torch.tensor([0, 4 / 3]).double())
    assert of_nodes.mean(0).tolist() == pytest.approx([1, 1], abs=0.03)
    together = (of_nodes.prod(1) > 0).double().mean().item()
    assert together == pytest.approx(0.75**2, abs=0.03)  # nodes are dropped independently


def test_drop_path_is_idle_in_evaluation() -> None:
    network, images = Network(SPARSE, "cifar", 3, 4, 10, auxiliary=False).eval(), torch.randn(2, 3, 16, 16)
    assert torch.equal(network(images, drop_path=scalar(0.5))[0], network(images)[0])


def test_sizes_are_those_counted_by_hand() -> None:
    with torch.device("meta"):
        network = Network(SPARSE, "cifar", 3, 4, 10, auxiliary=True)
    assert [cell.preprocess1.unit.pointwise.in_channels for cell in network.cells] == [12, 8, 16]  # 3 x 4, 2 nodes
    stem = 3 * 12 * 9
    normal = 2 * 12 * 4 + 2 * (4 * 9 + 4 * 4) + (4 * 9 + 4 * 4)
    first = (12 * 8, 8 * 8, 2 * 8 * 4, 8 * 9 + 8 * 8)  # both inputs, skip that strides, dilated convolution
    second = (2 * 8 * 8, 16 * 16, 2 * 16 * 8, 16 * 9 + 16 * 16)
    norms = 2 * (12 + 5 * 4 + 4 * 8 + 4 * 16)
    classifier = 32 * 10
    assert parameters(network) == stem + normal + sum(first) + sum(second) + norms + classifier + 10
    at_first = first[0] * 64 + first[1] * 64 + first[2] * 16 + first[3] * 16
    at_second = second[0] * 16 + second[1] * 16 + second[2] * 4 + second[3] * 4
    assert multiply_adds(network, 8) == (stem + normal) * 64 + at_first + at_second + classifier


@pytest.mark.parametrize("name", FAIR)
def test_published_cells_learn_in_all_their_parameters(name: str) -> None:
    torch.manual_seed(0)
    network = Network(published(name), "cifar", 5, 4, 10, auxiliary=True)
    logits, auxiliary_logits = network(torch.randn(4, 3, 32, 32), drop_path=scalar(0.2))
    assert auxiliary_logits is not None
    (logits.square().sum() + auxiliary_logits.square().sum()).backward()
    idle = [key for key, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert idle == []


def test_a_state_dict_under_the_reference_s_names_reads_back() -> None:
    network = Network(SPARSE, "cifar", 3, 4, 10, auxiliary=False)
    state = reference_state(network, SPARSE)
    assert "cells.2._ops.2.op.1.weight" in state
    assert network_arguments(state)["cells"] == 3
    translated = network_state(state, SPARSE)
    assert all(translated[name].equal(tensor) for name, tensor in network.state_dict().items())


def test_a_network_of_a_cell_without_nodes_is_refused() -> None:
    empty = Genotype((), (2, 3, 4, 5), SPARSE.reduce, SPARSE.reduce_concat)
    with pytest.raises(InputError, match="normal has no node for an output"):
        Network(empty, "cifar", 3, 4, 10, auxiliary=False)
