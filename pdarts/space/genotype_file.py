"""Reads genotype files, whatever their form and the ending of their name."""

import json
from pathlib import Path

from pdarts.errors import InputError, warn
from pdarts.space.forms import nasbench301, printed
from pdarts.space.genotype import Genotype
from pdarts.space.topology import KINDS


def read(path: Path, line: int | None = None) -> Genotype:
    """Read a genotype in our form, as Python prints it, or as NAS-Bench-301 writes it.

    A warning names nodes that are computed for nothing.

    Args:
        path: the file.
        line: number of the line on which the genotype begins, from 1; None where the file has only one.

    Raises:
        InputError: if the file is missing or unreadable, or does not hold one genotype that can be built.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: this genotype file does not exist; pdarts.derive makes one from a search") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a genotype file") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: its byte {error.start} is not text in UTF-8; name a genotype file, or save it as UTF-8"
        ) from error
    genotype = _parse(text, path, line)
    for kind in KINDS:
        for node in genotype.cell(kind).idle_nodes:
            warn(
                f"{path}: node {node} of the {kind} cell is computed for nothing: no operation reads it, and the "
                "output of the cell does not concatenate it"
            )
    return genotype


def _parse(text: str, path: Path, line: int | None) -> Genotype:
    if printed.holds(text):
        return printed.parse(text, str(path), line)
    if line is not None:
        raise InputError(f"{path} has no Genotype(normal=…) on any line; leave out the line")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not a genotype file: it has no Genotype(normal=…), and is not JSON either: {error}; "
            "docs/own-genotype.md shows the forms"
        ) from error
    return nasbench301.parse(value, str(path)) if nasbench301.holds(value) else Genotype.parse(value, str(path))
