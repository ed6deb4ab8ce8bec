"""Translation of an evaluation network's state dict into the names that the reference implementation's files have."""

import re
from collections import OrderedDict

import torch
from torch import Tensor

from pdarts.nets.network import Network
from pdarts.nets.reference_network import ELSEWHERE, INSIDE_OPERATIONS, PREPROCESSING
from pdarts.space.genotype import Genotype
from pdarts.space.topology import kinds_of_cells

_CELL_PART = re.compile(r"(cells\.\d+)\.(preprocess[01]|operations\.(\d+))\.(.+)\.(\w+)$")
_STEM_OR_HEAD = {ours: theirs.replace("\\", "").removesuffix("$") for theirs, ours in ELSEWHERE}


def reference_state(network: Network, genotype: Genotype) -> "OrderedDict[str, Tensor]":
    """Invert `pdarts.nets.reference_network.network_state`.

    Args:
        network: of the cells of `genotype`.
        genotype: they say what an operation's number means.
    """
    state, found = network.state_dict(), OrderedDict()
    kinds = kinds_of_cells(len(network.cells))
    for name, tensor in state.items():
        if match := _CELL_PART.match(name):
            cell, part, number, layer, kind = match.groups()
            if number is None:
                inside = {ours: theirs for theirs, ours in PREPROCESSING.items()}
            else:
                edges = genotype.cell(kinds[int(cell.partition(".")[2])]).edges
                operation = edges[int(number)].operation
                inside = {ours: theirs for theirs, ours in INSIDE_OPERATIONS[operation[:8]].items()}
                part = f"_ops.{number}"
            theirs = f"{cell}.{part}.{inside[layer]}.{kind}"
        else:
            theirs = name
            for ours, beginning in _STEM_OR_HEAD.items():
                if name.startswith(ours):
                    theirs = beginning + name.removeprefix(ours)
        found[theirs] = tensor
        if theirs.endswith("running_var"):
            found[theirs.replace("running_var", "num_batches_tracked")] = torch.tensor(0)
    return found
