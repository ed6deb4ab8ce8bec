"""What is written under the reference implementation's names are its names, and reads back as it was."""

import pytest
import torch

from pdarts.nets.network import Network
from pdarts.nets.reference_export import reference_state
from pdarts.nets.reference_network import network_arguments, network_state
from tests.genotypes import published
from tests.nets.released import CASES, state


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["kind"] in ("cifar", "imagenet")])
def test_a_state_dict_has_the_recorded_names_in_order_and_reads_back(name: str) -> None:
    genotype, recorded = published(CASES[name]["genotype"]), state(name)
    network = Network(genotype, **network_arguments(recorded))
    network.load_state_dict(network_state(recorded, genotype))
    written = reference_state(network, genotype)
    assert list(written) == list(recorded)
    for key, tensor in written.items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(tensor, recorded[key])
