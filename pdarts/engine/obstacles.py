"""What keeps torch from computing on the GPUs of a machine, and what to install against it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pdarts.gpus import Driver, Gpu

BUILDS = "https://pytorch.org/get-started/locally"
DEFAULT = "make setup TORCH=default"


@dataclass(frozen=True)
class Build:
    """What the installed torch was built for."""

    version: str
    cuda: str | None
    """Version of CUDA, such as `13.0`; None for a build without it."""
    architectures: tuple[str, ...]
    """GPUs that it has code for, such as `sm_90`, or `compute_90` for that one and all newer."""


def obstacle(build: Build, seen: Sequence[Gpu], driver: Driver | None, said: str) -> str | None:
    """Say why torch can drive no GPU here, and what to install; None if it can drive one, or if there is none.

    Args:
        build: the installed torch.
        seen: GPUs that torch sees.
        driver: NVIDIA's driver with the GPUs that may be used; None if there is none.
        said: what torch said when it looked for GPUs; empty if it said nothing.
    """
    if seen:
        return None if any(drives(build, gpu) for gpu in seen) else _other_gpu(build, seen)
    if driver is None or not driver.gpus:
        return f"torch {build.version} cannot start CUDA: {said}; {_TO_TRY}" if said else None
    here = f"this machine has {_listed(driver.gpus)}"
    if build.cuda is None:
        return (
            f"{here}, but torch {build.version} is a build without CUDA; remove the virtual environment and run "
            f"{DEFAULT}, or install a build with CUDA from {BUILDS}"
        )
    if driver.cuda[0] < int(build.cuda.partition(".")[0]):
        known = ".".join(map(str, driver.cuda))
        return (
            f"{here}, but its driver {driver.version} knows CUDA {known} at most and torch {build.version} was built "
            f"with CUDA {build.cuda}; update the driver, or install a build for CUDA {driver.cuda[0]} from {BUILDS}"
        )
    return f"{here}, but torch {build.version} cannot start CUDA: {said or 'it does not say why'}; {_TO_TRY}"


_TO_TRY = (
    "see whether nvidia-smi lists the GPU and CUDA_VISIBLE_DEVICES names it, update its driver, or install another "
    f"build of torch from {BUILDS}"
)


def drives(build: Build, gpu: Gpu) -> bool:
    """Whether a build has code that a GPU can run."""
    if build.cuda is None or not build.architectures:
        return True  # not CUDA's GPUs, or it does not tell
    return any(_runs(architecture, gpu.capability) for architecture in build.architectures)


def _runs(architecture: str, capability: tuple[int, int]) -> bool:
    """Whether code for an architecture runs on a GPU of that compute capability.

    Machine code (`sm_`) runs on the same major version from its minor version on; code that is compiled at the start
    (`compute_`) on all newer GPUs. With an `a` after it, code runs on no other GPU; with an `f`, on its major version.
    """
    found = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", architecture)
    if found is None:
        return False
    built = int(found[2]), int(found[3])
    if found[4] == "a":
        return built == capability
    same_major = built[0] == capability[0]
    return built <= capability and (same_major or (found[1] == "compute" and not found[4]))


def _other_gpu(build: Build, seen: Sequence[Gpu]) -> str:
    return (
        f"{_listed(seen)} cannot run torch {build.version}, which was built for {' '.join(build.architectures)}; "
        f"install a build that names this capability, an older one for an older GPU, from {BUILDS}"
    )


def _listed(gpus: Sequence[Gpu]) -> str:
    return ", ".join(dict.fromkeys(map(str, gpus)))
