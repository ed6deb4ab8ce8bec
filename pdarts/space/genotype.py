"""Genotypes: the cells that a search found, in the form the literature writes them."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from pdarts.errors import InputError
from pdarts.space.operations import OPERATIONS
from pdarts.space.topology import INPUTS

Pairs = tuple[tuple[str, int], ...]
"""(operation, source node), two for every intermediate node, in the order of nodes."""

_CHOICES = [name for name in OPERATIONS if name != "none"]


@dataclass(frozen=True)
class Genotype:
    """A normal and a reduction cell. Node 0 and 1 are inputs; pairs 2i and 2i+1 end at node i+2."""

    normal: Pairs
    normal_concat: tuple[int, ...]
    reduce: Pairs
    reduce_concat: tuple[int, ...]

    def cell(self, kind: str) -> tuple[Pairs, tuple[int, ...]]:
        """Pairs and concatenated nodes of the `normal` or `reduction` cell."""
        return (self.normal, self.normal_concat) if kind == "normal" else (self.reduce, self.reduce_concat)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, as in a genotype file."""
        return {
            "normal": [list(pair) for pair in self.normal],
            "normal_concat": list(self.normal_concat),
            "reduce": [list(pair) for pair in self.reduce],
            "reduce_concat": list(self.reduce_concat),
        }

    @classmethod
    def parse(cls, value: Any, where: str) -> Self:
        """Read parsed JSON.

        Args:
            value: what the file holds.
            where: the file's name, for messages.

        Raises:
            InputError: if it is no genotype: a key too many or missing, a wrong length, an operation or a node
                that does not exist.
        """
        keys = tuple(cls.__dataclass_fields__)
        if not isinstance(value, dict) or set(value) != set(keys):
            found = sorted(value) if isinstance(value, dict) else type(value).__name__
            raise InputError(f"{where}: a genotype has the keys {', '.join(keys)}; found {found}")
        cells = {}
        for name in ("normal", "reduce"):
            cells[name] = _parse_pairs(value[name], f"{where}: {name}")
            nodes = range(INPUTS, INPUTS + len(cells[name]) // 2)
            concat = value[f"{name}_concat"]
            if (
                not isinstance(concat, list)
                or not concat
                or not all(type(node) is int and node in nodes for node in concat)
            ):
                raise InputError(
                    f"{where}: {name}_concat is {concat!r}; allowed: a list of intermediate nodes, "
                    f"{nodes[0]} to {nodes[-1]}"
                )
            if any(later <= earlier for earlier, later in pairwise(concat)):
                raise InputError(f"{where}: {name}_concat is {concat!r}; list each node once, in rising order")
        return cls(cells["normal"], tuple(value["normal_concat"]), cells["reduce"], tuple(value["reduce_concat"]))


def _parse_pairs(pairs: Any, where: str) -> Pairs:
    if not isinstance(pairs, list) or len(pairs) < 2 or len(pairs) % 2:
        found = f"{len(pairs)} entries" if isinstance(pairs, list) else repr(pairs)
        raise InputError(f"{where} has {found}; allowed: two [operation, source] pairs for every intermediate node")
    for place, pair in enumerate(pairs):
        node = INPUTS + place // 2
        if not isinstance(pair, list) or len(pair) != 2:
            raise InputError(f"{where}[{place}] is {pair!r}; allowed: [operation, source node]")
        operation, source = pair
        if operation not in _CHOICES:
            raise InputError(f"{where}[{place}]: unknown operation {operation!r}; allowed: {', '.join(_CHOICES)}")
        if type(source) is not int or not 0 <= source < node:
            raise InputError(
                f"{where}[{place}]: source {source!r} does not come before node {node}; allowed: 0 to {node - 1}"
            )
    return tuple((operation, source) for operation, source in pairs)
