"""This project and the textbook formulation compute the same: in float64 to 1e-10, in float32 about as precisely."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.baseline.network import Network as BaselineNetwork
from benchmarks.baseline.supernet import Supernet as BaselineSupernet
from pdarts.nets.network import Network
from pdarts.nets.reference import network_state, supernet_state
from pdarts.space.operations import CANDIDATES
from pdarts.space.topology import KINDS
from pdarts.tools.cost.timing import mixed_candidates
from tests.genotypes import published
from tests.searching import logits as logits_of
from tests.searching import training_of

Computing = tuple[nn.Module, Callable[[Tensor], Any]]
"""A network, and what makes logits of images by it."""
Pair = tuple[Computing, Computing, Callable[[dict[str, Tensor]], dict[str, Tensor]], Tensor, Tensor]
"""Textbook, ours, from the names of one to those of the other, images, labels."""
CASES = [
    *(
        pytest.param("supernet", operations, 1, size, id=f"{operations} operations, {size} px")
        for operations, size in ((8, 32), (5, 28), (3, 28), (2, 20))
    ),
    pytest.param("supernet", 8, 4, 28, id="partial channels"),
    pytest.param("cifar", "PDARTS", 1, 32, id="CIFAR network"),
    pytest.param("imagenet", "DARTS_V2", 1, 96, id="ImageNet network"),
]


def pair(what: str, detail: Any, share: int, size: int, draw: int = 0) -> Pair:
    """Both in one state, running statistics and architecture weights included, that no symmetry makes easy."""
    torch.manual_seed(draw)
    if what == "supernet":
        candidates = dict.fromkeys(KINDS, mixed_candidates(CANDIDATES, detail))
        textbook: nn.Module = BaselineSupernet(3, 8, 10, candidates, share)
        method = {"method": "pc_darts", "partial_channels": share} if share > 1 else {}
        training = training_of(candidates, cells=3, channels=8, **method)
        ours: nn.Module = training.supernet
        forward: Callable[[Tensor], Any] = partial(logits_of, training)

        def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
            return supernet_state(state, candidates, training.supernet)
    else:
        genotype = published(detail)
        arguments: tuple[Any, ...] = genotype, what, 3, 8, 10, what == "cifar"
        textbook, ours = BaselineNetwork(*arguments), Network(*arguments)
        forward = ours

        def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
            return network_state(state, genotype)

    for name, tensor in textbook.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.is_floating_point() and tensor.ndim < 4:
            tensor.add_(torch.randn_like(tensor), alpha=0.3)
    ours.load_state_dict(renamed(textbook.state_dict()))
    return (textbook, textbook), (ours, forward), renamed, torch.randn(3, 3, size, size), torch.arange(3)


def outcome(computing: Computing, images: Tensor, labels: Tensor) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Logits in evaluation and in training; gradients and running statistics, by name."""
    network, forward = computing
    network.to(images.dtype).eval()
    with torch.no_grad():
        tested = forward(images)
    network.train()
    trained = forward(images)
    both = [*tested, *trained] if isinstance(trained, tuple) else [tested, trained]
    logits = [each for each in both if each is not None]
    sum(
        F.cross_entropy(each, labels)
        for each in (trained if isinstance(trained, tuple) else (trained,))
        if each is not None
    ).backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    return logits, {**network.state_dict(), **{name: value for name, value in gradients.items() if value is not None}}


@pytest.mark.parametrize(("what", "detail", "share", "size"), CASES)
def test_float64_agrees(what: str, detail: Any, share: int, size: int) -> None:
    textbook, ours, renamed, images, labels = pair(what, detail, share, size)
    (theirs, their_values), (logits, values) = (
        outcome(computing, images.double(), labels) for computing in (textbook, ours)
    )
    expected = renamed(their_values)
    assert len(values) == len(expected) > 50
    for name, value in [*values.items(), *((f"logits {index}", each) for index, each in enumerate(logits))]:
        against = theirs[int(name.split()[1])] if name.startswith("logits") else expected[name]
        scale = max(float(against.abs().max()), 1e-3) if against.is_floating_point() else 0
        torch.testing.assert_close(
            value, against, rtol=0, atol=1e-10 * scale, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize(("what", "detail", "share", "size"), CASES)
def test_float32_is_no_further_from_float64_than_twice_the_textbook(
    what: str, detail: Any, share: int, size: int
) -> None:
    """In one draw of four some ReLU or maximum decides otherwise, here as in the textbook: the best of five counts."""
    draws = torch.tensor([distances(what, detail, share, size, draw) for draw in range(5)])
    textbook, here = draws.amin(dim=0)  # logits and gradients of each
    print(f"logits and gradients: textbook {textbook.tolist()}, here {here.tolist()}")
    assert (here <= 2 * textbook).all()


def distances(what: str, detail: Any, share: int, size: int, draw: int) -> tuple[tuple[float, float], ...]:
    """How far logits and gradients are from float64, those of the textbook and ours."""
    textbook, ours, renamed, images, labels = pair(what, detail, share, size, draw)
    theirs, single = (outcome(computing, images, labels) for computing in (textbook, ours))
    textbook, ours, renamed, images, labels = pair(what, detail, share, size, draw)
    exact_logits, exact = outcome(ours, images.double(), labels)

    def apart(logits: list[Tensor], values: dict[str, Tensor]) -> tuple[float, float]:
        far = [(each - against).norm() / against.norm() for each, against in zip(logits, exact_logits, strict=True)]
        names = [name for name, value in values.items() if value.is_floating_point()]
        differences = torch.stack([(values[name] - exact[name]).norm() for name in names])
        return float(max(far)), float(differences.norm() / torch.stack([exact[name].norm() for name in names]).norm())

    return apart(theirs[0], renamed(theirs[1])), apart(*single)
