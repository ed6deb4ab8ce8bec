"""Find or fetch a dataset's images, check them, and describe them in a manifest.

Every later step reads the manifest and refuses images that differ from it. Missing files are downloaded where the
source and the network allow it.
"""

from pathlib import Path

from pdarts.data.manifest import describe
from pdarts.engine import files, step
from pdarts.settings import Dataset, Machine, parse_argument


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    step.add_settings(parser, Dataset)
    parser.add_argument("--output", required=True, type=Path, metavar="MANIFEST.json", help="manifest to write")
    step.add_machine(parser)
    arguments = parser.parse_args()
    dataset = parse_argument(Dataset, arguments.settings, "--settings")
    machine = parse_argument(Machine, arguments.machine, "--machine")
    manifest = describe(dataset, Path(machine.data_root(dataset.source)), machine.download)
    files.write_json(arguments.output, manifest.model_dump(mode="json"))


if __name__ == "__main__":
    step.run(main)
