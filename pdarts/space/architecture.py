"""The architecture weights that a stage ends with, and their form in a stage file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, float64, tensor

from pdarts.errors import InputError
from pdarts.space.candidates import Candidates
from pdarts.space.operations import OPERATIONS
from pdarts.space.topology import EDGES, KINDS


@dataclass(frozen=True, eq=False)
class Architecture:
    """Weights of all operations that are still considered, per kind of cell."""

    candidates: Mapping[str, Candidates]
    weights: Mapping[str, Tensor]
    """Architecture weights from 0 to 1, float64 of shape (edges, operations)."""
    edge_weights: Mapping[str, Tensor] | None
    """Float64 of shape (edges,), summing to 1 over the edges into a node; None where a search has no betas."""


def to_json(architecture: Architecture) -> dict[str, list[dict[str, Any]]]:
    """The `cells` of a stage file."""
    cells: dict[str, list[dict[str, Any]]] = {}
    for kind in KINDS:
        rows = zip(EDGES, architecture.candidates[kind], architecture.weights[kind].tolist(), strict=True)
        cells[kind] = [
            {"edge": list(edge), "weights": dict(zip(operations, row, strict=True))} for edge, operations, row in rows
        ]
        if architecture.edge_weights is not None:
            for edge, weight in zip(cells[kind], architecture.edge_weights[kind].tolist(), strict=True):
                edge["edge_weight"] = weight
    return cells


def parse(cells: Any, where: str) -> Architecture:
    """Read the `cells` of a stage file.

    Args:
        cells: parsed JSON.
        where: the file's name, for messages.

    Raises:
        InputError: if it does not describe all edges, or names an unknown operation.
    """
    candidates, weights, edge_weights = {}, {}, {}
    for kind in KINDS:
        edges = cells.get(kind) if isinstance(cells, dict) else None
        if not isinstance(edges, list) or not all(isinstance(edge, dict) for edge in edges):
            raise InputError(f"{where}: cells.{kind} is missing or not a list; make the file anew with pdarts.search")
        if [edge.get("edge") for edge in edges] != [list(edge) for edge in EDGES]:
            raise InputError(f"{where}: cells.{kind} must list the {len(EDGES)} edges by target node, then source")
        rows = [_row(edge, f"{where}: cells.{kind}, edge {edge['edge']}") for edge in edges]
        if len({len(row) for row in rows}) != 1 or not rows[0]:
            raise InputError(f"{where}: cells.{kind}: every edge needs the same number of operations, at least one")
        candidates[kind] = tuple(tuple(row) for row in rows)
        weights[kind] = tensor([list(row.values()) for row in rows], dtype=float64)
        edge_weights[kind] = [edge.get("edge_weight") for edge in edges]
    every = [weight for rows in edge_weights.values() for weight in rows]
    if all(weight is None for weight in every):
        return Architecture(candidates, weights, None)
    if not all(_is_weight(weight) for weight in every):
        raise InputError(f"{where}: edge_weight must be a number from 0 to 1 on every edge, or on none")
    return Architecture(candidates, weights, {kind: tensor(rows, dtype=float64) for kind, rows in edge_weights.items()})


def _row(edge: dict[str, Any], where: str) -> dict[str, float]:
    row = edge.get("weights")
    if not isinstance(row, dict) or not all(_is_weight(weight) for weight in row.values()):
        raise InputError(f"{where}: weights are {row!r}; allowed: operations with numbers from 0 to 1")
    if unknown := set(row) - set(OPERATIONS):
        raise InputError(f"{where}: unknown operation {min(unknown)!r}; allowed: {', '.join(OPERATIONS)}")
    return row


def _is_weight(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1
