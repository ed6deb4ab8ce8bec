"""Genotypes: the cells that a search found, in the form the literature writes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Self

from pdarts.errors import InputError, counted
from pdarts.space.operations import OPERATIONS
from pdarts.space.topology import EDGES_INTO_NODE, INPUTS, KINDS, NODES

Pairs = tuple[tuple[str, int], ...]
"""(operation, source node), two for every intermediate node, in the order of nodes."""

Triples = tuple[tuple[str, int, int], ...]
"""(operation, target node, source node), up to two for every intermediate node, in the order of nodes."""

_FORMS = "two [operation, source] pairs for every intermediate node, or [operation, target, source] for every edge"


class Edge(NamedTuple):
    """An operation on the value of node `source`, summed into node `target`."""

    operation: str
    source: int
    target: int


@dataclass(frozen=True)
class CellGenotype:
    """A cell as it is computed: edges between nodes that exist, and the nodes that its output concatenates."""

    edges: tuple[Edge, ...]
    """All edges, in the order of their targets."""
    concat: tuple[int, ...]
    """Nodes whose concatenation is the output."""
    drops_nodes: bool
    """Whether drop path acts on a node's sum, skip connections included; else it acts on every operation but these."""

    @property
    def idle_nodes(self) -> list[int]:
        """Nodes whose values nothing takes: no edge, and not the output."""
        return sorted({edge.target for edge in self.edges} - {edge.source for edge in self.edges} - set(self.concat))

    @property
    def nodes(self) -> tuple[int, ...]:
        """The intermediate nodes: those that edges lead to."""
        return tuple(dict.fromkeys(edge.target for edge in self.edges))

    def into(self, node: int) -> tuple[Edge, ...]:
        """Edges that lead to `node`; an input node has none."""
        return tuple(edge for edge in self.edges if edge.target == node)


@dataclass(frozen=True)
class Genotype:
    """A normal and a reduction cell, as a file lists them. Nodes 0 and 1 are inputs.

    Pairs number 2i and 2i+1 end at node i+2. Triples may leave nodes without edges: such a node does not exist, and
    edges that come from it are ignored.

    Source: Chu et al. 2020 (arXiv:1911.12126) for triples.
    """

    normal: Pairs | Triples
    normal_concat: tuple[int, ...]
    reduce: Pairs | Triples
    reduce_concat: tuple[int, ...]

    def cell(self, kind: str) -> CellGenotype:
        """The `normal` or `reduction` cell.

        Raises:
            InputError: if none of the nodes exists that its output concatenates.
        """
        name = "normal" if kind == "normal" else "reduce"
        entries, concat = (self.normal, self.normal_concat) if kind == "normal" else (self.reduce, self.reduce_concat)
        edges, existing = [], set(range(INPUTS))
        for edge in _edges(entries):
            if edge.source in existing:
                edges.append(edge)
                existing.add(edge.target)
        concatenated = tuple(node for node in concat if node in existing)
        if not concatenated:
            raise InputError(
                f"{name} has no node for an output: an edge from an input, or from a node that has one, must lead to a "
                f"node of {name}_concat, which is {list(concat)}"
            )
        return CellGenotype(tuple(edges), concatenated, drops_nodes=len(entries[0]) == 3)

    def operations(self) -> set[str]:
        """Names of all operations in both cells."""
        return {entry[0] for entry in (*self.normal, *self.reduce)}

    def to_json(self) -> dict[str, Any]:
        """Plain lists, as in a genotype file."""
        return {
            "normal": [list(entry) for entry in self.normal],
            "normal_concat": list(self.normal_concat),
            "reduce": [list(entry) for entry in self.reduce],
            "reduce_concat": list(self.reduce_concat),
        }

    @classmethod
    def parse(cls, value: Any, where: str) -> Self:
        """Read parsed JSON.

        Args:
            value: what the file holds.
            where: the file's name, for messages.

        Raises:
            InputError: if it is not a genotype: it has a key too many or too few, a wrong length, an operation or a
                node that does not exist, both pairs and triples, or a cell without nodes.
        """
        keys = tuple(cls.__dataclass_fields__)
        if not isinstance(value, dict) or set(value) != set(keys):
            found = sorted(value) if isinstance(value, dict) else type(value).__name__
            raise InputError(f"{where}: a genotype has the keys {', '.join(keys)}; found {found}")
        lists = [value[name] for name in ("normal", "reduce") if isinstance(value[name], list)]
        triples = any(isinstance(entry, list) and len(entry) == 3 for entries in lists for entry in entries)
        fields: dict[str, Any] = {}
        for name in ("normal", "reduce"):
            read = _parse_triples if triples else _parse_pairs
            fields[name], nodes = read(value[name], f"{where}: {name}")
            fields[f"{name}_concat"] = _parse_concat(value[f"{name}_concat"], nodes, f"{where}: {name}_concat")
        genotype = cls(**fields)
        for kind in KINDS:
            try:
                genotype.cell(kind)
            except InputError as error:
                raise InputError(f"{where}: {error}") from error
        return genotype


def _edges(entries: Pairs | Triples) -> Iterator[Edge]:
    listed: tuple[tuple[Any, ...], ...] = entries
    for index, entry in enumerate(listed):
        operation, *target, source = entry
        yield Edge(operation, source, target[0] if target else INPUTS + index // EDGES_INTO_NODE)


def _parse_pairs(pairs: Any, where: str) -> tuple[Pairs, range]:
    """Check a list of pairs; returns them and the nodes that they lead to."""
    if not isinstance(pairs, list) or not pairs or len(pairs) % EDGES_INTO_NODE:
        found = counted(len(pairs), "entry") if isinstance(pairs, list) else repr(pairs)
        raise InputError(f"{where} has {found}; allowed: {_FORMS}")
    for index, pair in enumerate(pairs):
        if not isinstance(pair, list) or len(pair) != 2:
            raise InputError(f"{where}[{index}] is {pair!r}; allowed: [operation, source node]")
        operation, source = pair
        _check_edge(operation, source, INPUTS + index // EDGES_INTO_NODE, f"{where}[{index}]")
    return tuple((operation, source) for operation, source in pairs), range(
        INPUTS, INPUTS + len(pairs) // EDGES_INTO_NODE
    )


def _parse_triples(triples: Any, where: str) -> tuple[Triples, range]:
    """Check a list of triples; returns them and the nodes that a cell of triples may have."""
    if not isinstance(triples, list):
        raise InputError(f"{where} is {triples!r}; allowed: a list of [operation, target node, source node]")
    sources: dict[int, list[int]] = {}
    for index, triple in enumerate(triples):
        here = f"{where}[{index}]"
        if not isinstance(triple, list) or len(triple) != 3:
            raise InputError(
                f"{here} is {triple!r}; allowed: [operation, target node, source node], like other entries of the file"
            )
        operation, target, source = triple
        _check_number(target, f"{here}: target")
        _check_number(source, f"{here}: source")
        last = max(sources, default=INPUTS)
        if target < last:
            raise InputError(
                f"{here}: target {target!r} cannot stand here; allowed: {last} or above, since entries are "
                "[operation, target, source] and listed by target"
            )
        _check_edge(operation, source, target, here)
        others = sources.setdefault(target, [])
        full = len(others) == EDGES_INTO_NODE
        if full or source in others:
            found = f"{len(others)} edges, from {' and '.join(map(str, others))}" if full else f"an edge from {source}"
            raise InputError(
                f"{here}: node {target} has {found} already; allowed: 0 to {EDGES_INTO_NODE} edges from different nodes"
            )
        others.append(source)
    nodes = range(INPUTS, 1 + max((NODES[-1], *sources)))
    return tuple((operation, target, source) for operation, target, source in triples), nodes


def _check_edge(operation: Any, source: Any, target: int, where: str) -> None:
    choices = [name for name in OPERATIONS if name != "none"]
    if operation not in choices:
        raise InputError(f"{where}: unknown operation {operation!r}; allowed: {', '.join(choices)}")
    _check_number(source, f"{where}: source")
    if not 0 <= source < target:
        raise InputError(f"{where}: source {source!r} does not come before node {target}; allowed: 0 to {target - 1}")


def _check_number(value: Any, where: str) -> None:
    """Refuse anything but a whole number for a node, and text as such."""
    if isinstance(value, str):
        advice = f", {value} without quotes" if value.isdecimal() else ""
        raise InputError(f"{where} is the text {value!r}; allowed: the number of a node{advice}")
    if type(value) is not int:
        raise InputError(f"{where} is {value!r}; allowed: the number of a node")


def _parse_concat(concat: Any, nodes: range, where: str) -> tuple[int, ...]:
    for index, node in enumerate(concat if isinstance(concat, list) else ()):
        _check_number(node, f"{where}[{index}]")
    if not isinstance(concat, list) or not concat or not all(node in nodes for node in concat):
        raise InputError(f"{where} is {concat!r}; allowed: a list of intermediate nodes, {nodes[0]} to {nodes[-1]}")
    if any(later <= earlier for earlier, later in pairwise(concat)):
        raise InputError(f"{where} is {concat!r}; list each node once, in rising order")
    return tuple(concat)
