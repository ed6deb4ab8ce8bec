"""Settings of Sphinx, which makes the site of the project from its pages, its settings and its docstrings."""

import shutil
import sys
from functools import partial
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from docs.site import api, config_keys  # noqa: E402

project = "pdarts"
author = copyright = "The pdarts contributors"
version = release = version_of("pdarts")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "docs/site/*", "studies/*/README.md", "studies/*/tables/*.md"]
exclude_patterns = [
    # Sphinx looks into all other folders, which may be large.
    *(".*", "benchmarks", "build", "checkpoints", "data", "dist", "envs", "pdarts", "profiles", "rehearsal", "results"),
    *("rules", "tests", "docs/site/navigation.md"),
    # This leaves READMEs and tables; while a study runs, its folder has links to the whole project.
    "studies/*/[!Rt]*",
]

nitpicky = True
nitpick_ignore_regex = [
    # Their inventories are on the internet, and the site is made without it.
    (r"py:\w+", r"(PIL|collections|numpy|pathlib|random|torch)\..+"),
    # The site describes no code of these packages; the page on keys says what settings are.
    (r"py:class", r"pdarts\.(data|engine|settings)\..+"),
]

myst_heading_anchors = 4
myst_enable_extensions = ["attrs_inline", "deflist"]
highlight_language = "none"
default_role = "code"
autodoc_member_order = "bysource"
add_module_names = False

html_theme = "furo"
html_title = "pdarts"
html_show_sourcelink = html_copy_source = False

GENERATED = {
    "README": partial((ROOT / "docs/site/navigation.md").read_text, encoding="utf-8"),
    "docs/site/config-keys": config_keys.sections,
    "docs/site/errors": partial(api.module, "pdarts.errors"),
    "docs/site/space": partial(api.package, "pdarts.space"),
    "docs/site/nets": partial(
        api.package, "pdarts.nets", without=("pdarts.nets.backends.cpu", "pdarts.nets.backends.triton")
    ),
    "docs/site/progressive": partial(api.package, "pdarts.progressive"),
}
"""What follows the text of some pages."""


def add_generated(app: Sphinx, page: str, source: list[str]) -> None:
    """Append to a page what is generated for it."""
    if page in GENERATED:
        source[0] += GENERATED[page]()


def leave_out_aliases(app: Sphinx, what: str, name: str, it: object, options: object, lines: list[str]) -> None:
    """Leave out what Python writes into the docstring of every field of a named tuple."""
    if lines[:1] and lines[0].startswith("Alias for field number"):
        lines.clear()


def keep_colons(app: Sphinx, what: str, name: str, it: object, options: object, lines: list[str]) -> None:
    """Keep napoleon from taking the words before a colon for a type, where a docstring describes a value."""
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]


def find_error(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: object) -> object:
    """Find an error of the package, which docstrings call by its bare name."""
    if node["reftype"] == "exc" and "." not in node["reftarget"]:
        target = f"pdarts.errors.{node['reftarget']}"
        domain = env.domains.python_domain
        return domain.resolve_xref(env, node["refdoc"], app.builder, "exc", target, node, text)
    return None


def copy_first_page(app: Sphinx, problem: Exception | None) -> None:
    """Give the first page the name that browsers and servers look for."""
    if problem is None and app.builder.format == "html":
        shutil.copyfile(app.outdir / "README.html", app.outdir / "index.html")


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_generated)
    app.connect("autodoc-process-docstring", leave_out_aliases, priority=300)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)  # before napoleon, which has 500
    app.connect("missing-reference", find_error)
    app.connect("build-finished", copy_first_page)
