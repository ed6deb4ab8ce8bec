"""Draw the published cells, and write the page that shows them.

    python -m pdarts.tools.gallery --output docs/gallery.md

Drawings go into a folder beside the page, which has its name. `pdarts/genotypes/sources.yaml` says where the cells come
from. Sizes are those of the network that the recipe `cifar` trains on CIFAR-10.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import yaml

from pdarts.engine import files, step
from pdarts.nets import count
from pdarts.nets.network import Network
from pdarts.reporting.cell_drawing import draw
from pdarts.reporting.figures import svg
from pdarts.settings.recipes import Recipe
from pdarts.space import genotype_file
from pdarts.space.genotype import Genotype
from pdarts.space.operations import SKIP
from pdarts.tools.declared import read_project

CELLS = Path(__file__).parents[1] / "genotypes"
CLASSES, IMAGE_SIZE = 10, 32
"""CIFAR-10's."""

INTRODUCTION = """\
# Published cells

These cells come with the package. Their names are values of `genotype` in `config.yaml`, as in `genotype: PDARTS`, and
their files are in `pdarts/genotypes/`. Parameters and multiply-adds are those of the network that the recipe `cifar`
builds: {cells} cells, {channels} channels in the first one, images of {size} × {size} pixels. The auxiliary head is not
counted. Skip connections are those of the normal cell. `make gallery` writes this page and its drawings.

| `genotype` | cell | parameters | multiply-adds | skip connections | published in |
|---|---|--:|--:|--:|---|
"""

NOTE = """
In the drawings, node 2 of a file has the number 0, node 3 the number 1, and so on.
"""


@dataclass(frozen=True)
class Source:
    """Where a published cell comes from."""

    title: str
    authors: str
    paper: str
    """Number at arXiv."""
    file: str
    """Address of the file in which the cell is listed."""
    entry: str | None
    """Its name in that file; None where it has none."""
    remark: str = ""


class Size(NamedTuple):
    """What the network of a cell takes."""

    parameters: int
    multiply_adds: int


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--output", required=True, type=Path, metavar="PAGE.md", help="page to write")
    output = parser.parse_args().output
    recipe = read_project().recipes["cifar"]
    cells = {name: published(name) for name in sources()}
    for name, genotype in cells.items():
        files.write_text(output.with_suffix("") / f"{name}.svg", svg(draw(genotype)))
    sizes = {name: size(genotype, recipe) for name, genotype in cells.items()}
    files.write_text(output, page(recipe, sizes, output.stem))


def sources() -> dict[str, Source]:
    """The source of every published cell by its name, in the order of the page."""
    values = yaml.safe_load((CELLS / "sources.yaml").read_text(encoding="utf-8"))
    return {name: Source(**value) for name, value in values.items()}


def published(name: str) -> Genotype:
    """Read a published cell."""
    return genotype_file.read(CELLS / f"{name}.json")


def size(genotype: Genotype, recipe: Recipe) -> Size:
    """Count the parameters and multiply-adds of a recipe's network for CIFAR-10."""
    with torch.device("meta"):
        network = Network(genotype, recipe.stem, recipe.cells, recipe.channels, CLASSES, auxiliary=False)
    return Size(count.parameters(network), count.multiply_adds(network, IMAGE_SIZE))


def page(recipe: Recipe, sizes: dict[str, Size], folder: str) -> str:
    """Write the page, in Markdown.

    Args:
        recipe: the recipe `cifar`.
        sizes: sizes of the recipe's network, by name of the cell.
        folder: where drawings lie, beside the page.
    """
    listed = sources()
    lines = [_row(name, source, sizes[name]) for name, source in listed.items()]
    sections = [_section(name, source, folder) for name, source in listed.items()]
    introduction = INTRODUCTION.format(cells=recipe.cells, channels=recipe.channels, size=IMAGE_SIZE)
    return introduction + "".join([*lines, NOTE, *sections])


def _row(name: str, source: Source, taken: Size) -> str:
    skips = sum(edge.operation == SKIP for edge in published(name).cell("normal").edges)
    numbers = f"{taken.parameters / 1e6:.2f} M | {taken.multiply_adds / 1e6:.0f} M | {skips}"
    paper = f"[{source.authors}](https://arxiv.org/abs/{source.paper})"
    return f"| `{name}` | {source.title} | {numbers} | {paper} |\n"


def _section(name: str, source: Source, folder: str) -> str:
    short = source.file.removeprefix("https://github.com/").replace("/blob/master/", "/")
    entry = f" as `{source.entry}`" if source.entry else ""
    facts = f"`genotype: {name}`, listed in [{short}]({source.file}){entry}. {source.remark}".rstrip()
    return f"\n## {source.title}\n\n{facts}\n\n![Both cells of {source.title}]({folder}/{name}.svg)\n"


if __name__ == "__main__":
    step.run(main)
