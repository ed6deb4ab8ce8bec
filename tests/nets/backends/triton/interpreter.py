"""Triton's interpreter, which computes kernels on a CPU, in this process and for a while."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import pdarts.nets.backends
from pdarts.nets.backends import triton as package
from pdarts.nets.backends.triton import kernels


@contextmanager
def interpreted() -> Iterator[None]:
    """Import Triton and the kernels afresh, since they decide then how they compute; put them back in the end."""
    aside = {name: sys.modules.pop(name) for name in _affected()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        yield
    for name in _affected():
        del sys.modules[name]
    sys.modules.update(aside)
    pdarts.nets.backends.triton = package


def _affected() -> list[str]:
    """Names of modules that depend on the interpreter; Triton's library is loaded once in a process."""
    ours = package.__name__
    return [
        name
        for name in sys.modules
        if (f"{name}.".startswith("triton.") and not f"{name}.".startswith("triton._C."))
        or (f"{name}.".startswith(f"{ours}.") and name != kernels.__name__)
    ]
