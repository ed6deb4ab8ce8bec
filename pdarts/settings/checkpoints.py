"""Weights that others trained."""

from typing import Annotated

from pydantic import Field

from pdarts.settings.base import Name, Settings


class Checkpoint(Settings):
    """Weights that others trained, in the reference implementation's format, to be tested."""

    file: Annotated[str, Field(min_length=1)]
    """Path of the file: a bare state dict, or a dict that has one as `state_dict`."""
    origin: Annotated[str, Field(min_length=1)]
    """Where to get the file; shown in the message if it is missing."""
    genotype: str
    """Genotype, which the file does not hold: a published cell (`PDARTS`), or the path of a genotype file."""
    dataset: Name
    """Name under `datasets` of the images that it is tested on."""
