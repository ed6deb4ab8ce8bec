"""Files of trained networks.

A file of `pdarts.train` describes itself: it holds everything that is needed to use it. Files in the reference
implementation's format hold tensors alone.
"""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pdarts import extensions
from pdarts.errors import InputError
from pdarts.nets.network import Network
from pdarts.nets.reference_network import network_arguments, network_state
from pdarts.space.genotype import Genotype

KEYS = ("network", "genotype", "state", "dataset", "recipe", "seconds", "provenance")
PARALLEL = "module."
"""Prefix of all names in a state dict that was saved while several GPUs trained."""


def dump(content: dict[str, Any]) -> bytes:
    """Make the bytes of a file that `load` reads; in memory, since torch does not say why it cannot write a file."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def load(path: Path, genotype: Genotype | None = None) -> dict[str, Any]:
    """Read a weights file, of `pdarts.train` or in the reference implementation's format.

    Only plain values and tensors are accepted.

    Args:
        path: the file.
        genotype: the cells of a file of the reference implementation, which does not say them.

    Returns:
        `network` (arguments of `Network`), `genotype`, `state`, `dataset` (its manifest), `recipe`, `seconds` (of
        training) and `provenance`; the last four are None for a file of the reference implementation. Files of
        `pdarts.train` also have `epochs_run`, unless they are old, and `extensions`, digests by file, if the network
        has operations of the user's own.

    Raises:
        InputError: if the file is missing, cut off or something else, or does not fit the genotype; if it needs an
            extension that is not loaded, or has changed.
    """
    content = _read(path)
    if isinstance(content, dict) and set(KEYS) <= set(content):
        extensions.refuse_others(content.get("extensions", {}), str(path))
        if genotype not in (None, Genotype.parse(content["genotype"], str(path))):
            raise InputError(f"{path} was trained with another genotype than the one named; it needs none to be named")
        return content
    state = _reference_state(content)
    if state is None:
        raise InputError(
            f"{path}: not a weights file of pdarts.train, which holds {', '.join(KEYS)}, nor a state dict of the "
            "reference implementation, bare or as state_dict in a dict"
        )
    if genotype is None:
        raise InputError(
            f"{path}: not a weights file of pdarts.train but a state dict alone, which does not say its genotype; "
            "name that too: --genotype"
        )
    try:
        network, translated = network_arguments(state), network_state(state, genotype)
    except InputError as error:
        raise InputError(f"{path} with the genotype named: {error}") from error
    untold = dict.fromkeys(("dataset", "recipe", "seconds", "provenance"))
    return {"network": network, "genotype": genotype.to_json(), "state": translated, **untold}


def network_of(saved: dict[str, Any], where: str) -> Network:
    """Build the trained network, in evaluation mode, on the CPU.

    Args:
        saved: what `load` returned.
        where: the file's name, for messages.

    Raises:
        InputError: if its parts do not fit each other.
    """
    genotype = Genotype.parse(saved["genotype"], where)
    network = Network(genotype, **saved["network"])
    try:
        network.load_state_dict(saved["state"])
    except RuntimeError as error:
        raise InputError(f"{where}: its weights do not fit its genotype ({error})") from error
    return network.eval()


def _read(path: Path) -> Any:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: this weights file does not exist; pdarts.train makes your own, others' have to be put there"
        ) from error
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever torch raises, only the bytes can be at fault
        kind = re.search(r"GLOBAL (\S+)", str(error))
        beside = f" (it names {kind[1]}, which could run code; save the state dict alone)" if kind else ""
        raise InputError(
            f"{path}: not a whole weights file of plain values and tensors{beside}; make it anew with pdarts.train, "
            "or get it anew from where it came"
        ) from error


def _reference_state(content: Any) -> dict[str, Tensor] | None:
    """Find the state dict in a file of the reference implementation; None if the file holds something else."""
    state = content.get("state_dict", content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not state:
        return None
    if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()):
        return None
    return {name.removeprefix(PARALLEL): tensor for name, tensor in state.items()}
