"""State dicts that do not fit are refused by the names of what differs."""

import pytest
import torch

from pdarts.errors import InputError
from pdarts.nets.reference import network_state, supernet_state
from tests.genotypes import published
from tests.reference import recorded
from tests.reference.comparison import candidates_of

CASES = recorded.load("numerics")


def cifar_state() -> dict[str, torch.Tensor]:
    case = CASES["cifar_pdarts"]
    return recorded.state(case, case["state_dict_shapes"])


def test_another_genotype_is_refused_with_the_first_tensors_that_differ() -> None:
    with pytest.raises(InputError, match=r"tensors differ:\n  cells\.0\.operations\.") as caught:
        network_state(cifar_state(), published("DARTS_V2"))
    assert "expected" in str(caught.value)
    assert "found nothing" in str(caught.value)


def test_a_missing_and_an_unknown_tensor_are_named() -> None:
    state = cifar_state()
    state["cells.1._ops.1.extra.weight"] = state.pop("cells.2.preprocess1.op.1.weight")
    with pytest.raises(InputError, match="2 tensors differ") as caught:
        network_state(state, published("PDARTS"))
    assert "cells.2.preprocess1.unit.pointwise.weight: expected 16x32x1x1, found nothing" in str(caught.value)
    assert "cells.1.operations.1.extra.weight: expected nothing" in str(caught.value)


def test_a_single_tensor_differs() -> None:
    state = cifar_state()
    del state["classifier.bias"]
    with pytest.raises(InputError, match=r"fit, 1 tensor differs:\n  classifier\.bias: expected 10, found nothing$"):
        network_state(state, published("PDARTS"))


def test_a_state_dict_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match=r"no tensor 'stem\.0\.weight'"):
        network_state({"conv.weight": torch.zeros(1)}, published("PDARTS"))


def test_a_network_without_auxiliary_head_is_read() -> None:
    state = {name: tensor for name, tensor in cifar_state().items() if not name.startswith("auxiliary_head.")}
    assert not any(name.startswith("auxiliary.") for name in network_state(state, published("PDARTS")))


def test_a_supernet_over_other_candidates_is_refused() -> None:
    case = CASES["supernet_stage3"]
    candidates = candidates_of(case)
    swapped = {"normal": candidates["reduction"], "reduction": candidates["normal"]}
    with pytest.raises(InputError, match="does not fit"):
        supernet_state(recorded.state(case, case["state_dict_shapes"]), swapped)
