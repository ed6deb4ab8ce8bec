"""Our networks in the state of a recorded case, and how close they come to its numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pdarts.nets.reference import supernet_state, translate_supernet
from pdarts.progressive.training import StageTraining
from pdarts.settings.machine import Machine
from pdarts.settings.searches import StageSettings
from pdarts.space.candidates import Candidates, all_candidates
from pdarts.space.operations import CANDIDATES
from tests.reference import recorded

KINDS = {"normal": "normal", "reduction": "reduce"}
"""Our name of each kind of cell, and the references'."""


@dataclass(frozen=True)
class Place:
    """Where a case is computed."""

    device: torch.device
    layout: torch.memory_format
    """Layout of weights and images in memory."""

    def batch(self, case: dict[str, Any], tag: str) -> tuple[Tensor, Tensor]:
        """Images and labels of a step of the case."""
        images = recorded.images(case, tag).to(self.device, memory_format=self.layout)
        return images, recorded.targets(case).to(self.device)


HERE = Place(torch.device("cpu"), torch.contiguous_format)
"""Where tests compute."""


def close(found: Tensor | float, expected: Any) -> None:
    """Agreement to 1e-9 relative plus 1e-9 of the largest magnitude."""
    found = torch.as_tensor(found, dtype=torch.float64).detach().cpu()
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))


def tuples(rows: list[list[str]]) -> Candidates:
    return tuple(tuple(row) for row in rows)


def candidates_of(case: dict[str, Any]) -> dict[str, Candidates]:
    """The case's own: for each edge, or the same for all; all eight where it names none."""
    named = case.get("candidates", list(CANDIDATES))
    if isinstance(named, dict):
        return {ours: tuples(named[theirs]) for ours, theirs in KINDS.items()}
    return all_candidates(tuple(named))


def same_names(names: list[str], translate: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> dict[str, str]:
    """Our name of every tensor of the reference, by sending each through a translation as a mark."""
    marks = {name: torch.empty(0) for name in names if not name.endswith("num_batches_tracked")}
    ours = {id(tensor): name for name, tensor in translate(marks).items()}
    return {name: ours[id(mark)] for name, mark in marks.items()}


def trained(case: dict[str, Any], stage: StageSettings, place: Place = HERE) -> tuple[StageTraining, dict[str, str]]:
    """What the stage trains, in float64, with the case's weights; and our name of each tensor of the reference."""
    candidates = candidates_of(case)
    training = StageTraining(stage, candidates, case["num_classes"], place.device, Machine(graphs=False))
    supernet = training.supernet.double().to(memory_format=place.layout)
    shapes: dict[str, Any] = {
        f"{name}s_{KINDS[kind]}": list(parameter.shape)
        for name, of_kinds in supernet.architecture_parameters.items()
        for kind, parameter in of_kinds.items()
    }
    translated = partial(translate_supernet, candidates=candidates)
    if "state_dict_shapes" in case:
        shapes = case["state_dict_shapes"] | shapes
    else:
        listed = [*case["final_weight_norms"], *case["running_stats_after_mean_absmax"]]
        ours = supernet.state_dict()
        names = same_names(listed, translated)
        shapes |= {name: list(ours[names[name]].shape) for name in listed if name not in shapes}
    supernet.load_state_dict(supernet_state(recorded.state(case, shapes), candidates, supernet))
    return training, same_names(list(shapes), translated)


def check_running_statistics(network: nn.Module, names: dict[str, str], expected: dict[str, list[float]]) -> None:
    buffers = dict(network.named_buffers())
    assert len(expected) == len(buffers)
    for name, values in expected.items():
        found = buffers[names[name]]
        close(torch.stack([found.mean(), found.abs().max()]), values)


def check_norms(found: dict[str, Tensor | None], names: dict[str, str], expected: dict[str, float]) -> None:
    """Norms of tensors under our names, against those under the reference's."""
    for name, norm in expected.items():
        tensor = found[names[name]]
        assert tensor is not None
        close(tensor.norm(), norm)
