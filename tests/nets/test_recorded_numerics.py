"""Evaluation networks compute what the reference computed, in float64 to 1e-9.

Supernets and searches: `tests/progressive/test_recorded_searches.py`.
"""

import pytest
from torch.nn import functional as F

from pdarts.nets.network import Network
from pdarts.nets.reference import network_state
from pdarts.space.genotype import Genotype
from tests.genotypes import published
from tests.reference import recorded
from tests.reference.comparison import check_norms, check_running_statistics, close

CASES = recorded.load("numerics")
NETWORKS = [name for name, case in CASES.items() if case["kind"] in ("cifar", "imagenet")]


@pytest.mark.parametrize("name", NETWORKS)
def test_evaluation_network_agrees_with_the_recorded_case(name: str) -> None:
    case = CASES[name]
    genotype: Genotype = published(case["genotype"])
    network = Network(genotype, case["kind"], case["cells"], case["channels"], case["num_classes"], True).double()
    state = recorded.state(case, case["state_dict_shapes"])
    translated = network_state(state, genotype)
    network.load_state_dict(translated)
    ours = {id(tensor): name for name, tensor in translated.items()}
    names = {name: ours[id(tensor)] for name, tensor in state.items() if id(tensor) in ours}
    images, targets = recorded.images(case, "step0"), recorded.targets(case)
    logits, auxiliary_logits = network(images)
    assert auxiliary_logits is not None
    loss = F.cross_entropy(logits, targets) + 0.4 * F.cross_entropy(auxiliary_logits, targets)
    loss.backward()
    close(logits, case["train_logits"])
    close(auxiliary_logits, case["train_aux_logits"])
    close(loss, case["loss"])
    assert len(case["grad_norms"]) == len(list(network.parameters()))
    check_norms({name: one.grad for name, one in network.named_parameters()}, names, case["grad_norms"])
    if "running_stats_after_mean_absmax" in case:
        check_running_statistics(network, names, case["running_stats_after_mean_absmax"])
    close(network.eval()(images)[0], case["eval_logits"])
