"""Reads genotypes as Python prints them: `Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=range(2, 6), …)`.

Papers, logs and the code of other projects hold cells in this form. It is parsed, and never evaluated.
"""

import ast
import re
from bisect import bisect
from collections.abc import Iterable
from typing import Any

from pdarts.errors import InputError, counted
from pdarts.space.genotype import Genotype
from pdarts.space.topology import EDGES_INTO_NODE, INPUTS

_BEGIN = re.compile(r"\bGenotype\s*\(\s*(?=\w+\s*=)")
_PIECE = re.compile(r"""'[^'\n]*'|"[^"\n]*"|\#[^\n]*|[(\[{]|[)\]}]""")
"""What can hide a bracket, and brackets."""

_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
"""Quotation marks of typeset papers, and those of Python."""

_MOST_NODES = 1000
"""A range of nodes ends below this number, so that no text can ask for a list that fills the memory."""

_LISTED = 6
"""Lines that a message lists at most."""


def holds(text: str) -> bool:
    """Whether a text has a genotype in this form, whole or not."""
    return _BEGIN.search(text) is not None


def parse(text: str, where: str, line: int | None = None) -> Genotype:
    """Read the only genotype of a text, or the one that begins on a line.

    Words before it and after it, line breaks and comments count for nothing. The edges of a node may stand in a list of
    their own.

    Args:
        text: the content of a file.
        where: the file's name, for messages.
        line: number of the line on which the genotype begins, from 1; None if the text has only one.

    Raises:
        InputError: if there is none, or more than one, or what `Genotype.parse` refuses.
    """
    text = text.translate(_QUOTES)
    begins = [found.start() for found in _BEGIN.finditer(text)]
    breaks = [found.start() for found in re.finditer("\n", text)]
    lines = [bisect(breaks, begin) + 1 for begin in begins]
    chosen = [pair for pair in zip(lines, begins, strict=True) if line in (None, pair[0])]
    if not chosen:
        raise InputError(f"{where}: no genotype begins on line {line}; allowed: {_listed(lines)}")
    if len(chosen) > 1:
        where = f"{where} has {counted(len(chosen), 'genotype')}"
        if len({number for number, _ in chosen}) == 1:
            raise InputError(f"{where} on line {chosen[0][0]}; allowed: one; copy one of them into a file of its own")
        raise InputError(
            f"{where}, which begin on lines {_listed(lines)}; allowed: one; copy one into a file of its own, or call "
            "python -m pdarts.tools.convert with its --line"
        )
    ((number, begin),) = chosen
    where = f"{where}, line {number}"
    values = _values(text[begin : _end(text, begin, where)], where, number)
    for name in ("normal", "reduce"):
        if name in values:
            values[name] = _without_nodes(values[name], f"{where}: {name}")
    return Genotype.parse(values, where)


def _listed(lines: Iterable[int]) -> str:
    numbers = [str(line) for line in dict.fromkeys(lines)]
    if len(numbers) > _LISTED:
        numbers[_LISTED - 1 : -1] = ["…"]
    return ", ".join(numbers)


def _end(text: str, begin: int, where: str) -> int:
    """Find the end of the parenthesis after `Genotype`."""
    depth = 0
    for piece in _PIECE.finditer(text, begin):
        if piece[0] in ("(", "[", "{"):
            depth += 1
        elif piece[0] in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                return piece.end()
    raise InputError(f"{where}: the genotype is cut off: a bracket is open at the file's end; add the rest")


def _values(source: str, where: str, line: int) -> dict[str, Any]:
    """Read the arguments of `Genotype(…)`, which begins on `line`."""
    try:
        call = ast.parse(f"({source})", mode="eval").body
    except SyntaxError as error:
        raise InputError(
            f"{where}: this is not what Python prints: {error.msg}, on line {line + (error.lineno or 1) - 1}"
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) or "it is too long, or nested too deeply"
        raise InputError(f"{where}: this is not what Python prints: {reason}") from error
    assert isinstance(call, ast.Call)
    names = ["*" for _ in call.args] + [keyword.arg or "**" for keyword in call.keywords]
    if {"*", "**"} & set(names) or len(set(names)) < len(names):
        raise InputError(f"{where}: a genotype has each key once and by its name; found {', '.join(names)}")
    return {str(keyword.arg): _plain(keyword.value, where, line) for keyword in call.keywords}


def _plain(node: ast.expr, where: str, line: int) -> Any:
    match node:
        case ast.Constant(value=str() | int() as value):
            return value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_plain(item, where, line) for item in items]
        case ast.Call(
            func=ast.Name(id="range"), args=[ast.Constant(value=int(first)), ast.Constant(value=int(end))], keywords=[]
        ) if end < _MOST_NODES:
            return list(range(first, end))
    raise InputError(
        f"{where}: {ast.unparse(node)!r} stands on line {line + node.lineno - 1}; allowed: names in quotes, numbers of "
        "nodes, lists of these, and range(2, 6)"
    )


def _without_nodes(entries: Any, where: str) -> Any:
    """Join the lists of a cell that has one for the edges of each node; other cells stay."""
    if not isinstance(entries, list) or not all(isinstance(entry, list) for entry in entries):
        return entries
    if not any(entries) or not all(isinstance(edge, list) for edges in entries for edge in edges):
        return entries
    pairs = any(len(edge) == 2 for edges in entries for edge in edges)
    for node, edges in enumerate(entries, INPUTS):
        if pairs and len(edges) != EDGES_INTO_NODE:
            raise InputError(
                f"{where}: node {node} has {counted(len(edges), 'edge')}; allowed: {EDGES_INTO_NODE}, or (operation, "
                "target, source) for every edge"
            )
    return [edge for edges in entries for edge in edges]
