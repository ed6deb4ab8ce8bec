"""Find or fetch a dataset's images, check them, and describe them in a manifest.

Every later step reads the manifest and refuses images that differ from it. Missing files are downloaded where the
source and the network allow it. The images of a folder are decoded once, to find damaged ones, and an index is written
beside them.
"""

from pathlib import Path

from pdarts.checking import parse_argument
from pdarts.data import folder, manifest
from pdarts.engine import files, step
from pdarts.settings.datasets import Dataset, ImageFolder, parse_dataset
from pdarts.settings.machine import Machine


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    step.add_settings(parser, Dataset, ImageFolder)
    parser.add_argument("--output", required=True, type=Path, metavar="MANIFEST.json", help="manifest to write")
    step.add_machine(parser)
    arguments = parser.parse_args()
    dataset = parse_dataset(arguments.settings, "--settings")
    machine = parse_argument(Machine, arguments.machine, "--machine")
    root = Path(machine.data_root(dataset.folder))
    described: manifest.AnyManifest
    if isinstance(dataset, ImageFolder):
        described = folder.describe(dataset, root, machine.workers)
    else:
        described = manifest.describe(dataset, root, machine.download)
    manifest.check_classes(described)
    files.write_json(arguments.output, described.model_dump(mode="json"))


if __name__ == "__main__":
    step.run(main)
