"""A GPU that is not there: Triton compiles kernels for it, and launches nothing."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import triton
from triton.backends.compiler import GPUTarget
from triton.runtime import driver

BINARIES = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
TOOLS = [BINARIES / "ptxas", BINARIES / "cuobjdump"]


class Kernel(NamedTuple):
    """What a kernel was compiled to."""

    name: str
    shared: int
    """Bytes of shared memory of a program."""
    registers: int
    """Of a thread."""
    stack: int
    """Bytes of a thread that do not fit into registers."""


class Gpu:
    """Takes the place of Triton's driver.

    Args:
        capability: 80 or 90; also the number of the device, for which Triton keeps what it compiled.
    """

    def __init__(self, capability: int) -> None:
        self.capability = capability
        self.utils = self
        self.compiled: list[Kernel] = []
        self.launched: list[tuple[str, int, dict[str, Any]]] = []
        """Name, number of units and arguments of each launch."""

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", self.capability, 32)

    def get_current_device(self) -> int:
        return self.capability

    def get_current_stream(self, _: int) -> int:
        return 0

    def get_device_properties(self, _: int) -> dict[str, int]:
        return {"max_shared_mem": 2**30}

    def load_binary(self, name: str, binary: bytes, shared: int, _: int) -> tuple[object, object, int, int, int]:
        with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
            Path(file.name).write_bytes(binary)
            command = [BINARIES / "cuobjdump", "--dump-resource-usage", file.name]
            usage = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        registers, stack = (int(re.search(rf"{word}:(\d+)", usage)[1]) for word in ("REG", "STACK"))
        self.compiled.append(Kernel(name, shared, registers, stack))
        return self, self, registers, stack, 1024

    def unload_module(self, _: object) -> None:
        pass

    def launcher_cls(self, source: Any, _: Any) -> Any:
        names = source.fn.arg_names

        def launch(*call: Any) -> None:
            arguments = dict(zip(names, call[-len(names) :], strict=True))
            self.launched.append((source.fn.__name__, call[2], arguments))

        return launch


@contextmanager
def gpu(capability: int) -> Iterator[Gpu]:
    """Have Triton compile for a kind of GPU."""
    active, one = driver._active, Gpu(capability)
    driver.set_active(one)
    try:
        yield one
    finally:
        driver._active = active
