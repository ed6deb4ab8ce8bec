"""A trained network as a file that describes itself: everything needed to use it is inside."""

import io
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from pdarts.errors import InputError
from pdarts.nets.network import Network
from pdarts.space.genotype import Genotype

KEYS = ("network", "genotype", "state", "dataset", "recipe", "seconds", "provenance")


def dump(content: dict[str, Any]) -> bytes:
    """What a file holds that `load` reads; made in memory, since torch does not say why it cannot write a file."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def load(path: Path) -> dict[str, Any]:
    """Read a file that `pdarts.train` wrote; only plain values and tensors are accepted.

    Returns:
        `network` (arguments of `Network`), `genotype`, `state`, `dataset` (its manifest), `recipe`, `seconds` (of
        training) and `provenance`.

    Raises:
        InputError: if the file is missing, cut off or something else.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: this weights file does not exist; pdarts.train makes it") from error
    except (RuntimeError, UnpicklingError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a whole weights file ({reason}); make it anew with pdarts.train") from error
    if not isinstance(saved, dict) or not set(KEYS) <= set(saved):
        raise InputError(f"{path}: not a weights file of pdarts.train, which holds {', '.join(KEYS)}")
    return saved


def network_of(saved: dict[str, Any], where: str) -> Network:
    """The trained network, in evaluation mode, on the CPU.

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
