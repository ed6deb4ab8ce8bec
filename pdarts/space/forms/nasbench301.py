"""Reads genotypes as NAS-Bench-301 writes them: JSON with a key for every chosen edge and for the inputs of nodes.

Source: Siems et al. 2020 (arXiv:2008.09777), whose edges are numbered as in DARTS.
"""

from typing import Any

from pdarts.errors import InputError
from pdarts.space.genotype import Genotype, Pairs
from pdarts.space.operations import SELECTABLE
from pdarts.space.topology import EDGES, EDGES_INTO_NODE, NODES, incoming

PREFIX = "NetworkSelectorDatasetInfo:darts:"
"""What the key of an edge or node begins with; other keys describe a training and count for nothing."""

CONFIG = "optimized_hyperparamater_config"
"""The key, spelled like this, under which files of results hold all of these keys."""


def edge_key(cell: str, source: int, target: int) -> str:
    """The key of an edge of the cell `normal` or `reduce`, without the prefix."""
    return f"edge_{cell}_{EDGES.index((source, target))}"


def inputs_key(cell: str, node: int) -> str:
    """The key of a node's inputs, without the prefix; there is none for the first node, which has no choice."""
    return f"inputs_node_{cell}_{node}"


def holds(value: Any) -> bool:
    """Whether parsed JSON is in this form, right or not."""
    return isinstance(value, dict) and (CONFIG in value or any(key.startswith(PREFIX) for key in value))


def parse(value: dict[str, Any], where: str) -> Genotype:
    """Read parsed JSON.

    Args:
        value: the keys, or a dict that has them under `CONFIG`.
        where: the file's name, for messages.

    Raises:
        InputError: if an operation, edge or node does not exist, or if edges are not those of their node's inputs.
    """
    config = value.get(CONFIG, value)
    if not isinstance(config, dict):
        raise InputError(f"{where}: {CONFIG} is {config!r}; allowed: keys such as {PREFIX}edge_normal_0")
    keys = {key.removeprefix(PREFIX): held for key, held in config.items() if key.startswith(PREFIX)}
    cells = ("normal", "reduce")
    known = {edge_key(cell, *edge) for cell in cells for edge in EDGES}
    known |= {inputs_key(cell, node) for cell in cells for node in NODES[1:]}
    for key in keys:
        if key.startswith(("edge_", "inputs_node_")) and key not in known:
            raise InputError(
                f"{where}: unknown key {key}; allowed: edge_normal_0 to {len(EDGES) - 1} and inputs_node_normal_"
                f"{NODES[1]} to {NODES[-1]}, likewise for reduce"
            )
    normal, reduce = (_cell(keys, cell, where) for cell in cells)
    return Genotype(normal, tuple(NODES), reduce, tuple(NODES))


def _cell(keys: dict[str, Any], cell: str, where: str) -> Pairs:
    pairs = []
    for node in NODES:
        for source in _sources(keys, cell, node, where):
            operation = keys[edge_key(cell, source, node)]
            if operation not in SELECTABLE:
                raise InputError(
                    f"{where}: {edge_key(cell, source, node)}, the edge from node {source} to node {node}, is "
                    f"{operation!r}; allowed: {', '.join(SELECTABLE)}"
                )
            pairs.append((operation, source))
    return tuple(pairs)


def _sources(keys: dict[str, Any], cell: str, node: int, where: str) -> list[int]:
    """Find the two inputs of a node, whose edges must be those that the file has."""
    chosen = [EDGES[index][0] for index in incoming(node) if edge_key(cell, *EDGES[index]) in keys]
    found = ", ".join(f"{edge_key(cell, source, node)} (from node {source})" for source in chosen) or "none"
    if len(chosen) != EDGES_INTO_NODE:
        raise InputError(f"{where}: {cell}: edges into node {node} are {found}; allowed: {EDGES_INTO_NODE} of them")
    named = inputs_key(cell, node)
    written = "_".join(str(source) for source in chosen)
    if node != NODES[0] and keys.get(named) != written:
        raise InputError(
            f"{where}: {named} is {keys.get(named)!r}, but edges into node {node} are {found}; allowed: {written!r}, "
            "or the edges of these inputs"
        )
    return chosen
