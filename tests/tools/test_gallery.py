"""The page with the published cells is the one that its command writes."""

import re

from pdarts.reporting.cell_drawing import draw
from pdarts.reporting.figures import svg
from pdarts.space import genotype_file
from pdarts.tools.gallery import Size, page, published, size, sources
from tests.configuration import CONFIG, ROOT
from tests.genotypes import FOLDER

NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
PAGE = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
RECIPE = CONFIG.recipes["cifar"]


def test_every_published_cell_has_a_source_and_a_drawing() -> None:
    assert sorted(sources()) == NAMES
    assert sorted(path.stem for path in (ROOT / "docs" / "gallery").iterdir()) == NAMES
    for name in NAMES:
        kept = (ROOT / "docs" / "gallery" / f"{name}.svg").read_text(encoding="utf-8")
        assert kept == svg(draw(published(name))), f"{name}.svg; call make gallery"


def test_the_cell_in_the_readme_is_one_that_the_study_found() -> None:
    cell = genotype_file.read(ROOT / "studies/cifar10/results/search/pdarts/seed0/genotype.json")
    assert (ROOT / "docs" / "found.svg").read_text(encoding="utf-8") == svg(draw(cell)), "call make gallery"


def test_the_page_in_git_is_the_one_that_is_written() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*?\| ([\d.]+) M \| (\d+) M \|", PAGE, re.MULTILINE)
    sizes = {name: Size(round(float(params) * 1e6), int(madds) * 10**6) for name, params, madds in rows}
    assert page(RECIPE, sizes, "gallery") == PAGE, "call make gallery"
    for name in ("FairDARTS_a", "NASNet"):
        parameters, multiply_adds = size(published(name), RECIPE)
        assert sizes[name] == (round(parameters, -4), round(multiply_adds, -6))
