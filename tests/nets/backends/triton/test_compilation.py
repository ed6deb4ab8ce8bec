"""Triton's kernels are compiled for GPUs that are not there, and fit into their registers and shared memory."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pdarts.nets.backends.form import Part, form
from pdarts.nets.backends.triton import kernels
from pdarts.nets.node import NodeValue
from pdarts.nets.operations import BUILDERS, PointwiseConv

found = importlib.util.find_spec("triton")
TOOLS = Path(found.origin).parent / "backends" / "nvidia" / "bin" if found and found.origin else Path("none")
pytestmark = pytest.mark.skipif(
    not ((TOOLS / "ptxas").exists() and (TOOLS / "cuobjdump").exists()), reason="Triton with ptxas is not installed"
)

SHARED = {80: 163 * 1024, 90: 227 * 1024}
"""Bytes of shared memory that a program may have, by capability."""
SPILLED = 64
"""Most bytes of a thread beside its registers."""

WRITTEN = {"products", "results", "targets"}
"""Tensors that each unit of a launch needs for itself."""

SEARCHED = [(channels, 32 * 16 // channels, True) for channels in (16, 32, 64)]
CIFAR = [(channels, 32 * 36 // channels, False) for channels in (36, 72, 144)]
IMAGENET = [(channels, 28 * 48 // channels, False) for channels in (48, 96, 192)] + [(384, 7, False)]
PARTIAL = [(channels, 32 * 4 // channels, True) for channels in (4, 8, 16)]
GRID = [*SEARCHED, *CIFAR, *IMAGENET, *PARTIAL]
"""Channels, size of feature maps, and whether it is a search, of the widths of all networks of the paper."""


def compiled(capability: int, module: Any, channels: int, size: int, dtype: torch.dtype, scaled: bool) -> list[Any]:
    """All kernels of a unit that is there twice, forward and backward, and of pooling and dropout of its input."""
    from tests.nets.backends.triton.offline import gpu

    x = torch.randn(3, channels, size, size).to(dtype).to(memory_format=torch.channels_last).requires_grad_()
    scale = torch.tensor(0.3, requires_grad=True) if scaled else None
    with gpu(capability) as one:
        part = Part(*form(module, NodeValue(x)), scale, None)
        assert kernels.shape(part) is not None
        kernels.node_sum([part, part], 0.1, 1e-5).sum().backward()
        if scaled:
            for largest in (True, False):
                kernels.pool(x, largest, 3, 2).sum().backward()
            kernels.dropout(x, torch.tensor(0.3, dtype=torch.float64), torch.tensor(1)).sum().backward()
    for name, number, arguments in one.launched:
        for written in WRITTEN & arguments.keys():
            places = {tensor.data_ptr() for tensor in arguments[written][:number]}
            assert len(places) == number, f"units of one launch of {name} write to the same {written} at once"
    return one.compiled


def assert_fit(capability: int, made: list[Any]) -> None:
    assert made
    for kernel in made:
        assert kernel.stack <= SPILLED, kernel
        assert kernel.shared <= SHARED[capability], kernel


@pytest.mark.parametrize("capability", SHARED)
def test_a_unit_fits_and_writes_apart(capability: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    assert_fit(capability, compiled(capability, BUILDERS["dil_conv_3x3"](16, 1, True), 16, 32, torch.float32, True))


COMPILE = """
import torch
from pdarts.nets.backends.triton import units
from tests.nets.backends.triton.offline import gpu

with gpu(90):
    units.add_up[1, 1, 1]((torch.zeros(64),), (torch.zeros(64),), 1, 64, R=16, B=64)
"""


@pytest.mark.kernels
def test_processes_that_compile_the_same_at_once_share_a_cache(tmp_path: Path) -> None:
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [subprocess.Popen([sys.executable, "-c", COMPILE], env=environment) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(list(tmp_path.rglob("add_up.cubin"))) == 1
    assert list(tmp_path.rglob("tmp.*")) == []


def test_the_cache_lies_beside_that_of_the_other_kernels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for own, expected in (("", str(tmp_path / "pdarts" / "triton")), ("mine", "mine")):
        monkeypatch.setenv("TRITON_CACHE_DIR", own)
        if not own:
            monkeypatch.delenv("TRITON_CACHE_DIR")
        kernels._present.cache_clear()
        assert kernels._present()
        assert os.environ["TRITON_CACHE_DIR"] == expected


def test_nothing_imports_triton_before_it_computes() -> None:
    command = "import sys, pdarts.nets.node; assert 'triton' not in sys.modules"
    subprocess.run([sys.executable, "-c", command], check=True)


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", [name for name in BUILDERS if "sep" in name or "dil" in name])
@pytest.mark.parametrize(("channels", "size", "search"), GRID)
@pytest.mark.parametrize("capability", SHARED)
def test_kernels_of_all_units_fit(
    capability: int, channels: int, size: int, search: bool, name: str, stride: int, dtype: torch.dtype
) -> None:
    module = BUILDERS[name](channels, stride, search)
    assert_fit(capability, compiled(capability, module, channels, size, dtype, search))


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("channels", "size", "search"), GRID)
@pytest.mark.parametrize("capability", SHARED)
def test_kernels_of_all_preprocessing_fits(
    capability: int, channels: int, size: int, search: bool, dtype: torch.dtype
) -> None:
    module: nn.Module = PointwiseConv(4 * channels, channels, search)
    assert_fit(capability, compiled(capability, module, 4 * channels, size, dtype, False))
