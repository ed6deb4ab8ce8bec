"""Translation of the reference implementation's state dicts of evaluation networks into ours.

Only names are translated and shapes compared; every tensor is kept as it is. `pdarts.nets.reference` does the same for
supernets, apart from this module so that trainings and tests do not depend on the supernet.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from pdarts.errors import InputError
from pdarts.nets.network import Network
from pdarts.space import topology
from pdarts.space.genotype import Genotype

State = Mapping[str, Tensor]

INSIDE_OPERATIONS = {
    "sep_conv": {
        "op.1": "first.depthwise", "op.2": "first.pointwise", "op.3": "first.norm",
        "op.5": "second.depthwise", "op.6": "second.pointwise", "op.7": "second.norm",
    },
    "dil_conv": {"op.1": "unit.depthwise", "op.2": "unit.pointwise", "op.3": "unit.norm"},
    "conv_7x1": {"1": "horizontal", "2": "vertical", "3": "norm"},
    "skip_con": {"conv_1": "first", "conv_2": "second", "bn": "norm"},
    "max_pool": {"1": "norm"},
    "avg_pool": {"1": "norm"},
}  # fmt: skip
PREPROCESSING = {"op.1": "unit.pointwise", "op.2": "unit.norm", "conv_1": "first", "conv_2": "second", "bn": "norm"}
ELSEWHERE = (
    (r"stem0\.", "stem.first."),
    (r"stem1\.", "stem.second."),
    (r"stem\.", "stem.layers."),
    (r"auxiliary_head\.", "auxiliary."),
    (r"alphas_normal$", "alpha.normal"),
    (r"alphas_reduce$", "alpha.reduction"),
    (r"betas_normal$", "beta.normal"),
    (r"betas_reduce$", "beta.reduction"),
)
_CELL = re.compile(r"cells\.(\d+)\.")
_PARTS = r"preprocess[01]|cell_ops\.\d+\.m_ops\.\d+|_ops\.\d+\._ops\.\d+|_ops\.\d+\.auxiliary_op|_ops\.\d+"
_CELL_PART = re.compile(rf"(cells\.\d+)\.({_PARTS})\.(.+)\.(\w+)$")

_FIRST = re.compile(r"(.*\.)?(?:stem|stem0)\.0\.weight")
"""Name of the first tensor of a network, after the prefix that all its names may have."""
_WRAPPERS = re.compile(r"\b(?:_orig_mod|_checkpoint_wrapped_module|_fsdp_wrapped_module)\.|(?<=\.)module\.")
"""What PyTorch inserts into names where a module is compiled, recomputed or divided among GPUs."""
SHOWN = 5
"""Maximal number of names that a message lists."""


def unwrapped(state: State) -> dict[str, Tensor]:
    """Take the network out of what was saved around it: prefixes such as `module.` or `model.`, and other tensors.

    Args:
        state: under the reference's names, after any prefix.

    Raises:
        InputError: if it has several networks.
    """
    state = {_WRAPPERS.sub("", name): tensor for name, tensor in state.items()}
    prefixes = {match[1] or "" for name in state if (match := _FIRST.fullmatch(name))}
    if len(prefixes) > 1:
        raise InputError(
            f"the state dict has several networks, whose names begin with {listed(sorted(prefixes))}; save the one to "
            "use alone"
        )
    (prefix,) = prefixes or {""}
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def network_state(state: State, genotype: Genotype) -> dict[str, Tensor]:
    """Translate an evaluation network's state dict into our names.

    Cells that differ only in poolings, in identities or in where edges come from have the same tensors: such a
    genotype cannot be told from the right one.

    Args:
        state: under the reference's names, of a CIFAR or ImageNet network, with or without auxiliary head.
        genotype: its cells.

    Raises:
        InputError: if it does not fit this genotype, naming the first tensors that differ.
    """
    arguments, kinds = network_arguments(state), kinds_in(state)

    def name_of(cell: int, part: str) -> tuple[str, str]:
        number = int(part.split(".")[1])
        edges = genotype.cell(kinds[cell]).edges
        name = edges[number].operation if number < len(edges) else ""
        return f"operations.{number}", name

    return checked(translate(state, name_of), lambda: Network(genotype, **arguments))


def network_arguments(state: State) -> dict[str, Any]:
    """Read off the arguments of `Network` beside its genotype: stem, cells, channels, classes, auxiliary.

    Args:
        state: under the reference's names, of a CIFAR or ImageNet network, with or without auxiliary head.

    Raises:
        InputError: if it lacks a tensor that tells one of them, or tells channels that no network has.
    """
    stem = "imagenet" if "stem0.0.weight" in state else "cifar"
    channels = rows(state, "stem0.3.weight") if stem == "imagenet" else rows(state, "stem.0.weight") // 3
    if channels < 2 or channels % 2:
        raise InputError(f"the state dict is one of {channels} channels; allowed: even numbers from 2")
    return {
        "stem": stem,
        "cells": len(kinds_in(state)),
        "channels": channels,
        "classes": rows(state, "classifier.weight"),
        "auxiliary": any(name.startswith("auxiliary_head.") for name in state),
    }


def kinds_in(state: State) -> list[str]:
    """Tell the kind of every cell, which follows from their number."""
    cells = {int(match[1]) for name in state if (match := _CELL.match(name))}
    missing = min(set(range(len(cells) + 1)) - cells)
    if not cells or missing < len(cells):
        raise _foreign(state, f"cells.{missing}.…")
    return topology.kinds_of_cells(len(cells))


def rows(state: State, name: str) -> int:
    """Return the length of a tensor's first dimension."""
    if name not in state or state[name].dim() == 0:
        raise _foreign(state, name)
    return len(state[name])


def translate(state: State, name_of: Callable[[int, str], tuple[str, str]]) -> dict[str, Tensor]:
    """Translate the name of every tensor; one that cannot be translated keeps its own, which `checked` then refuses.

    Args:
        state: under the reference's names.
        name_of: from a cell's number and the reference's name of an operation in it to our name of it and its kind.
    """
    translated = {}
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        if match := _CELL_PART.match(name):
            cell, part, layer, kind = match.groups()
            if part.startswith("preprocess"):
                translated[f"{cell}.{part}.{PREPROCESSING.get(layer, layer)}.{kind}"] = tensor
            else:
                module, operation = name_of(int(cell.split(".")[1]), part)
                inside = INSIDE_OPERATIONS.get(operation[:8], {})
                translated[f"{cell}.{module}.{inside.get(layer, layer)}.{kind}"] = tensor
            continue
        for pattern, ours in ELSEWHERE:
            if re.match(pattern, name):
                name = re.sub(f"^{pattern}", ours, name)
                break
        translated[name] = tensor
    return translated


def checked(
    translated: dict[str, Tensor], build: Callable[[], nn.Module], ignore: tuple[str, ...] = ()
) -> dict[str, Tensor]:
    """Return `translated` if its names and shapes are exactly those of the network that `build` makes."""
    with torch.device("meta"):
        expected = {name: tensor.shape for name, tensor in build().state_dict().items() if not name.startswith(ignore)}
    found = {name: tensor.shape for name, tensor in translated.items()}
    differences = [
        f"{name}: expected {_described(expected.get(name))}, found {_described(found.get(name))}"
        for name in {**expected, **found}
        if expected.get(name) != found.get(name)
    ]
    if differences:
        listed = "\n  ".join(differences[:5])
        number = "1 tensor differs" if len(differences) == 1 else f"{len(differences)} tensors differ"
        raise InputError(f"the state dict does not fit, {number}:\n  {listed}")
    return translated


def _described(shape: torch.Size | None) -> str:
    return "nothing" if shape is None else "x".join(map(str, shape)) or "a scalar"


def _foreign(state: State, missing: str) -> InputError:
    examples = {name.partition(".")[0]: name for name in reversed(list(state))}
    return InputError(
        f"the state dict has no tensor {missing!r}, so it is not one of the reference implementation's networks; it "
        f"has {listed(list(examples.values())[::-1])}"
    )


def listed(names: Iterable[str]) -> str:
    """Names in a message, the first ones of many."""
    shown = list(islice(map(repr, names), SHOWN + 1))
    return ", ".join(shown[:SHOWN] + ["…"] * (len(shown) > SHOWN))
