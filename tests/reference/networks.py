"""Comparison of evaluation networks with the recorded cases, in float64 to 1e-9."""

from typing import Any

from torch.nn import functional as F

from pdarts.nets.network import Network
from pdarts.nets.reference import network_state
from pdarts.space.genotype import Genotype
from tests.genotypes import published
from tests.reference import recorded
from tests.reference.comparison import HERE, Place, check_norms, check_running_statistics, close

CASES: dict[str, dict[str, Any]] = {
    name: case for name, case in recorded.load("numerics").items() if case["kind"] in ("cifar", "imagenet")
}


def check_network(case: dict[str, Any], place: Place = HERE) -> None:
    """Losses, logits and gradients of a network, and its running statistics.

    Raises:
        AssertionError: if one does not agree.
    """
    genotype: Genotype = published(case["genotype"])
    network = Network(genotype, case["kind"], case["cells"], case["channels"], case["num_classes"], True).double()
    network.to(place.device, memory_format=place.layout)
    state = recorded.state(case, case["state_dict_shapes"])
    translated = network_state(state, genotype)
    network.load_state_dict(translated)
    ours = {id(tensor): name for name, tensor in translated.items()}
    names = {name: ours[id(tensor)] for name, tensor in state.items() if id(tensor) in ours}
    images, targets = place.batch(case, "step0")
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
