"""Writes genotypes in the forms of others."""

from pdarts.errors import InputError, counted
from pdarts.space.forms.nasbench301 import PREFIX, edge_key, inputs_key
from pdarts.space.genotype import CellGenotype, Genotype
from pdarts.space.operations import SELECTABLE
from pdarts.space.topology import EDGES_INTO_NODE, KINDS, NODES


def printed(genotype: Genotype) -> str:
    """Write a genotype as Python prints it, in one line."""
    cells = {"normal": genotype.normal, "reduce": genotype.reduce}
    concats = {"normal": genotype.normal_concat, "reduce": genotype.reduce_concat}
    arguments = [f"{cell}={list(cells[cell])!r}, {cell}_concat={list(concats[cell])!r}" for cell in cells]
    return f"Genotype({', '.join(arguments)})"


def nasbench301(genotype: Genotype) -> dict[str, str]:
    """Write a genotype as NAS-Bench-301 does; the edges of a node are then listed by source.

    Raises:
        InputError: if it is not a cell of that search space, which has two edges from different nodes into each of four
            nodes, all concatenated.
    """
    keys: dict[str, str] = {}
    for name, kind in zip(("normal", "reduce"), KINDS, strict=True):
        cell = genotype.cell(kind)
        _check(cell, name)
        edges = sorted(cell.edges, key=lambda edge: (edge.target, edge.source))
        keys |= {PREFIX + edge_key(name, edge.source, edge.target): edge.operation for edge in edges}
        for node in NODES[1:]:
            sources = [str(edge.source) for edge in edges if edge.target == node]
            keys[PREFIX + inputs_key(name, node)] = "_".join(sources)
    return keys


def _check(cell: CellGenotype, name: str) -> None:
    """Refuse a cell that is none of NAS-Bench-301's search space."""
    where = f"this cell cannot be written in the form of NAS-Bench-301: {name}"
    if cell.nodes != tuple(NODES) or cell.concat != tuple(NODES):
        raise InputError(
            f"{where} has nodes {list(cell.nodes)} and concatenates {list(cell.concat)}; allowed: {list(NODES)} for "
            "both"
        )
    for node in NODES:
        sources = {edge.source for edge in cell.into(node)}
        if len(sources) != EDGES_INTO_NODE:
            raise InputError(
                f"{where} has node {node} with {counted(len(sources), 'input')}; allowed: {EDGES_INTO_NODE} different "
                "ones for each node"
            )
    for edge in cell.edges:
        if edge.operation not in SELECTABLE:
            raise InputError(
                f"{where} has {edge.operation} on the edge from node {edge.source} to node {edge.target}; allowed: "
                f"{', '.join(SELECTABLE)}"
            )
