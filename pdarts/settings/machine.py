"""Where the work runs."""

from typing import Annotated, Literal

from pydantic import Field

from pdarts.settings.base import Named, Settings

Kernels = Literal["auto", "torch"]
Mode = Literal["disabled", "offline", "online"]


class Wandb(Settings):
    """Weights & Biases, which mirrors the files on disk; no later step needs it."""

    mode: Mode = "offline"
    """`offline` keeps run files for `wandb sync`, `online` uploads; a quieter WANDB_MODE of the environment wins."""
    project: str = "pdarts"
    """Project that runs appear under."""
    entity: str | None = None
    """User or team; null for the account's default."""
    directory: str = "results"
    """Folder in which W&B makes `wandb/` for its run files."""


class Machine(Settings):
    """Where the work runs. Nothing here makes a step run again.

    `device`, `threads` and `kernels` may change the last bits of sums, and so in the end which of two nearly equal
    operations a search keeps.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU where there is one; `cuda` without a GPU is an error."""
    steps_per_gpu: Annotated[int, Field(ge=1, le=100)] = 1
    """Steps that compute on each GPU at once; on a cluster, its shards see to that (docs/cluster.md)."""
    threads: Annotated[int, Field(ge=1, le=10_000)] = 1
    """CPU threads of a step. Sums of floats differ in the last bits between numbers of threads."""
    workers: Annotated[int, Field(ge=0, le=10_000)] = 2
    """Processes that decode the images of a folder; a search has two sets of them. With 0 the step decodes itself."""
    kernels: Kernels = "auto"
    """`auto` uses this project's own kernels where it can; `torch` uses PyTorch's alone, which changes last bits."""
    recompute: bool = False
    """Save memory: the backward pass computes each cell again. It is slower; on a CPU, even last bits stay the same."""
    graphs: Literal["auto", False] = "auto"
    """`auto` lets a GPU replay steps as CUDA graphs, unless `recompute` is true or there are several processes."""
    data_roots: Named[str] = {}
    """Folder of each source, and of each dataset's `folder`; `data/NAME` for those not listed."""
    local_copy: str | None = None
    """Folder on the node's own disk, such as `$TMPDIR`, to copy image folders to; null reads them where they lie."""
    resume_other_code: bool = False
    """Continue an interrupted step even if the code has changed since; its provenance says so."""
    download: bool = True
    """Fetch missing data where the source allows it."""
    wandb: Wandb = Wandb()
    """Experiment tracking."""

    def data_root(self, folder: str) -> str:
        """Return the path of a folder with data: the one that `data_roots` gives for its name, or `data/NAME`."""
        return self.data_roots.get(folder, f"data/{folder}")
