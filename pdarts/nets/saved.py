"""Files of trained networks.

A file of `pdarts.train` describes itself: it holds everything that is needed to use it. Files in the reference
implementation's format hold tensors alone.
"""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor

from pdarts import extensions
from pdarts.errors import InputError
from pdarts.nets.network import Network
from pdarts.nets.reference_network import listed, network_arguments, network_state, unwrapped
from pdarts.space.genotype import Genotype

KEYS = ("network", "genotype", "state", "dataset", "recipe", "seconds", "provenance")
ANEW = "make it anew with pdarts.train, or get it anew from where it came"
"""What messages advise about a file that cannot be used."""


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
    state = _reference_state(content, path)
    if state is None:
        held = f"; it holds {listed(map(str, content))}" if isinstance(content, Mapping) and content else ""
        raise InputError(
            f"{path}: not a weights file of pdarts.train, which holds {', '.join(KEYS)}, nor a state dict of the "
            f"reference implementation, bare or in a dict{held}"
        )
    if genotype is None:
        raise InputError(
            f"{path}: not a weights file of pdarts.train but a state dict alone, which does not say its genotype; "
            "name that too: --genotype"
        )
    try:
        state = unwrapped(state)
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
    try:
        network = Network(genotype, **saved["network"])
        network.load_state_dict(saved["state"])
    except (RuntimeError, TypeError, ValueError, KeyError) as error:
        reason = shorten(str(error), 200, placeholder=" …") or type(error).__name__
        raise InputError(f"{where}: its weights do not fit its genotype and network ({reason}); {ANEW}") from error
    classes, named = saved["network"]["classes"], saved["dataset"] and len(saved["dataset"]["classes"])
    if named not in (None, classes):
        raise InputError(f"{where}: its network has {classes} classes, but its dataset has {named}; {ANEW}")
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
        raise InputError(f"{path}: not a whole weights file of plain values and tensors{beside}; {ANEW}") from error


def _reference_state(content: Any, path: Path) -> dict[str, Tensor] | None:
    """Find the state dict in a file of the reference implementation; None if the file holds something else.

    Raises:
        InputError: if it holds several.
    """
    if not isinstance(content, Mapping):
        return None
    if _is_state(content):
        return dict(content)
    states = {str(key): value for key, value in content.items() if isinstance(value, Mapping) and _is_state(value)}
    if len(states) > 1 and "state_dict" not in states:
        raise InputError(f"{path}: it holds several state dicts ({listed(states)}); save the one to use alone")
    return dict(states.get("state_dict", next(iter(states.values())))) if states else None


def _is_state(values: Mapping[Any, Any]) -> bool:
    named = all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in values.items())
    return bool(values) and named
