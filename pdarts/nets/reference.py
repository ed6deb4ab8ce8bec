"""Translation of the reference implementation's state dicts into ours, for supernets and evaluation networks."""

from collections.abc import Mapping

from torch import Tensor, nn

from pdarts.nets.reference_network import State, checked, kinds_in, network_state, rows, translate
from pdarts.nets.supernet import Supernet
from pdarts.space.candidates import Candidates
from pdarts.space.operations import SKIP

__all__ = ["network_state", "supernet_state"]


def supernet_state(
    state: State, candidates: Mapping[str, Candidates], supernet: Supernet | None = None
) -> dict[str, Tensor]:
    """Translate a supernet's state dict into our names.

    Args:
        state: under the reference's names, with or without architecture parameters.
        candidates: operations on every edge, per kind of cell.
        supernet: what it shall fit; None for one of plain mixed operations and alphas.

    Raises:
        InputError: if it does not fit, naming the first tensors that differ.
    """

    def build() -> nn.Module:
        if supernet is not None:
            return supernet
        channels = rows(state, "stem.0.weight") // 3
        return Supernet(len(kinds_in(state)), channels, rows(state, "classifier.weight"), candidates)

    translated = translate_supernet(state, candidates)
    if not any(name.startswith("alpha.") for name in translated):
        return checked(translated, build, ignore=("alpha.", "beta."))
    return checked(translated, build)


def translate_supernet(state: State, candidates: Mapping[str, Candidates]) -> dict[str, Tensor]:
    """Translate the name of every tensor in a supernet's state dict, whether or not it fits."""
    kinds = kinds_in(state)

    def name_of(cell: int, part: str) -> tuple[str, str]:
        _, edge, *operation = part.split(".")
        if operation == ["auxiliary_op"]:
            return f"edges.{edge}.auxiliary", SKIP
        name = candidates[kinds[cell]][int(edge)][int(operation[-1])]
        return f"edges.{edge}.operations.{name}", name

    return translate(state, name_of)
