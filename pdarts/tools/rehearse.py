"""Set up a folder in which the whole workflow is rehearsed, apart from all results; `make rehearsal` runs it there.

    python -m pdarts.tools.rehearse --folder rehearsal
    cd rehearsal
    snakemake paper methods released --configfile rules/rehearsal.yaml

The folder has links to the project, results of its own under a mark that keeps them from being taken for real ones,
and stand-ins for files that cannot be had everywhere: JPEG images for ImageNet's, and random weights in the format of
the authors'. Files that are there stay as they are. CIFAR's stand-ins are written when they are prepared.
"""

import shutil
from pathlib import Path

import torch

from pdarts.data import uci_digits
from pdarts.data.formats import Labelled, write_image_folder
from pdarts.data.split import Split
from pdarts.data.stand_ins import DIGITS, painted
from pdarts.engine import files, step
from pdarts.engine.seeds import derive_seed
from pdarts.errors import InputError
from pdarts.nets import saved
from pdarts.nets.network import Network
from pdarts.nets.reference_export import reference_state
from pdarts.paths import REHEARSAL
from pdarts.space import genotype_file
from pdarts.tools import project

IMAGES, TRAIN_IMAGES, VAL_IMAGES = Path("data", "imagenet_stand_in"), 96, 48
WEIGHTS = {"cifar": Path("checkpoints", "stand_in.pt"), "imagenet": Path("checkpoints", "stand_in.pth.tar")}
"""Files of random weights, by the stem of their network."""

CELLS, CHANNELS = 3, 4


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--folder", required=True, type=Path, help="folder to set up, or to complete")
    folder = parser.parse_args().folder
    results = folder / "results"
    if results.exists() and not (results / REHEARSAL.name).exists():
        raise InputError(f"--folder is {folder}, which holds results that are not a rehearsal's; allowed: a new folder")
    project.link(folder, (*project.READ, "config.yaml"))
    files.write_text(
        results / REHEARSAL.name, "Made at toy size, to see that it works. Nothing in this folder is a result.\n"
    )
    if not (folder / IMAGES).exists():
        _write_images(folder / IMAGES)
    for stem, path in WEIGHTS.items():
        if not (folder / path).exists():
            _write_weights(folder / path, stem)


def _write_images(root: Path) -> None:
    """Write coloured digits as JPEG files, in a folder for each class: all of them or none."""
    part = root.with_name(f".{root.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    train, val = _first(uci_digits.read("train")[0], TRAIN_IMAGES), _first(uci_digits.read("test")[0], VAL_IMAGES)
    write_image_folder(part, train, val, DIGITS)
    part.rename(root)


def _first(split: Split, count: int) -> Labelled:
    return painted((split.images[:count], split.labels[:count]))


def _write_weights(path: Path, stem: str) -> None:
    """Write random weights under the names, and in the wrapping, that the authors' file for a data set has."""
    genotype = genotype_file.read(Path("pdarts", "genotypes", "PDARTS.json"))
    torch.manual_seed(derive_seed(0, "stand-in weights"))
    network = Network(genotype, stem, CELLS, CHANNELS, len(DIGITS), auxiliary=True)
    state: dict[str, object] = dict(reference_state(network, genotype))
    if stem == "imagenet":
        state = {"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}
    files.write_bytes(path, saved.dump(state))


if __name__ == "__main__":
    step.run(main)
