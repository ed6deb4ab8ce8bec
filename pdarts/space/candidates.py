"""Which operations are still considered on every edge, and how they become fewer from stage to stage."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, float64, tensor

from pdarts.errors import InputError
from pdarts.space.operations import OPERATIONS
from pdarts.space.topology import EDGES, KINDS

Candidates = tuple[tuple[str, ...], ...]
"""Operations still considered, one tuple per edge of `EDGES`."""


def all_candidates(operations: tuple[str, ...]) -> dict[str, Candidates]:
    """The first stage's candidates: the same operations on every edge of both kinds of cell."""
    return {kind: (operations,) * len(EDGES) for kind in KINDS}


def prune(candidates: Candidates, weights: Tensor, keep: int) -> Candidates:
    """Keep the strongest operations of every edge, in their old order; on a tie the earlier one goes.

    Args:
        candidates: operations still considered, one tuple per edge of `EDGES`.
        weights: architecture weights, shape (edges, operations), rows sum to 1.
        keep: operations left on each edge, from 1 to the present number.

    Raises:
        ValueError: if `keep` exceeds the present number.

    Source: Chen et al. 2019 (arXiv:1904.12760), section 3.2, search space approximation.
    """
    present = weights.shape[1]
    if not 1 <= keep <= present:
        raise ValueError(f"cannot keep {keep} operations of {present}")
    kept = []
    for operations, row in zip(candidates, weights.tolist(), strict=True):
        weakest_first = sorted(range(present), key=row.__getitem__)  # stable: on a tie the earlier comes first
        dropped = weakest_first[: present - keep]
        kept.append(tuple(name for place, name in enumerate(operations) if place not in dropped))
    return tuple(kept)


def to_json(candidates: Mapping[str, Candidates], weights: Mapping[str, Tensor]) -> dict[str, list[dict[str, Any]]]:
    """The `cells` of a stage file.

    Args:
        candidates: per kind of cell.
        weights: architecture weights per kind of cell, shape (edges, operations).
    """
    return {
        kind: [
            {"edge": list(edge), "weights": dict(zip(operations, row, strict=True))}
            for edge, operations, row in zip(EDGES, candidates[kind], weights[kind].double().tolist(), strict=True)
        ]
        for kind in KINDS
    }


def parse(cells: Any, where: str) -> tuple[dict[str, Candidates], dict[str, Tensor]]:
    """Read the `cells` of a stage file.

    Args:
        cells: parsed JSON.
        where: the file's name, for messages.

    Returns:
        Candidates and architecture weights, float64 of shape (edges, operations), per kind of cell.

    Raises:
        InputError: if it does not describe all edges, or names an unknown operation.
    """
    candidates, weights = {}, {}
    for kind in KINDS:
        edges = cells.get(kind) if isinstance(cells, dict) else None
        if not isinstance(edges, list) or not all(isinstance(edge, dict) for edge in edges):
            raise InputError(f"{where}: cells.{kind} is missing or no list; make the file anew with pdarts.search")
        if [edge.get("edge") for edge in edges] != [list(edge) for edge in EDGES]:
            raise InputError(f"{where}: cells.{kind} must list the {len(EDGES)} edges by target node, then source")
        rows = [edge.get("weights") for edge in edges]
        for edge, row in zip(EDGES, rows, strict=True):
            if not isinstance(row, dict) or not all(_is_weight(weight) for weight in row.values()):
                raise InputError(
                    f"{where}: cells.{kind}, edge {list(edge)}: weights are {row!r}; allowed: operations with numbers "
                    "from 0 to 1"
                )
            if unknown := set(row) - set(OPERATIONS):
                raise InputError(
                    f"{where}: cells.{kind}, edge {list(edge)}: unknown operation {min(unknown)!r}; "
                    f"allowed: {', '.join(OPERATIONS)}"
                )
        if len({len(row) for row in rows}) != 1 or not rows[0]:
            raise InputError(f"{where}: cells.{kind}: every edge needs the same number of operations, at least one")
        candidates[kind] = tuple(tuple(row) for row in rows)
        weights[kind] = tensor([list(row.values()) for row in rows], dtype=float64)
    return candidates, weights


def _is_weight(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1
