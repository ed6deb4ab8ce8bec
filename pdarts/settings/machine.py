"""Where the work runs."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pdarts.settings.base import Named, Positive, Settings

Kernels = Literal["auto", "torch"]


class Wandb(Settings):
    """Weights & Biases: a mirror of the files on disk, never needed by a later step."""

    mode: Literal["offline", "online", "disabled"] = "offline"
    """`offline` writes run files that `wandb sync` uploads later, `online` uploads at once, `disabled` does nothing."""
    project: str = "pdarts"
    """Project that runs appear under."""
    entity: str | None = None
    """User or team; null for the account's own."""
    directory: str = "results"
    """Folder in which `wandb/` with the run files is made."""


class Machine(Settings):
    """Where the work runs. Nothing here changes a result or makes a step run again."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU where there is one; `cuda` without a GPU is an error."""
    threads: Positive = 1
    """CPU threads a step. Sums of floats differ in the last bits between thread counts."""
    workers: Annotated[int, Field(ge=0)] = 2
    """Processes that decode the images of a folder, two sets of them in a search; 0 decodes in the step's own."""
    kernels: Kernels = "auto"
    """`auto` takes this project's own kernels where there are some; `torch`, PyTorch's alone, changes last bits."""
    recompute: bool = False
    """Save memory: the backward pass computes each cell again. Longer, and the same to the last bit on a CPU."""
    compile: bool = False
    """Let torch.compile fuse each kind of cell, in minutes at first; last bits and drop path's draws change."""
    data_roots: Named[str] = {}
    """Folder of each source, and of each `folder` of a dataset; `data/NAME` where none is named."""
    local_copy: str | None = None
    """Folder on a disk of the node, such as `$TMPDIR`, that image folders are copied to; null reads where they lie."""
    resume_other_code: bool = False
    """Continue an interrupted step although the code has changed since; its provenance says so."""
    download: bool = True
    """Fetch missing data where the source allows it."""
    wandb: Wandb = Wandb()
    """Experiment tracking."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.recompute and self.compile:
            raise ValueError("recompute and compile are both true; allowed: one of them, set the other to false")
        return self

    def data_root(self, folder: str) -> str:
        """Path of a dataset's folder, which goes by this name under `data_roots`."""
        return self.data_roots.get(folder, f"data/{folder}")
