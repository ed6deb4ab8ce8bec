"""The site of `make docs`: a build ends at whatever leads nowhere, and its pages hold what they promise."""

import re
import subprocess
import sys

import pytest

from docs.site import config_keys
from pdarts.settings.schema import schema
from tests.workflow.tree import Tree

API = ("errors", "space", "nets", "progressive")
BROKEN = """
[a page](no-such-page.md), [a heading](config.md#no-such-heading), [a file](../rules/no-such-file.smk)
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, str]:
    """A copy of the project whose page on targets has links that lead nowhere, built, and what that printed.

    To save time, the pages that import torch are left out.
    """
    tree = Tree.of_project(tmp_path_factory.mktemp("project"))
    for name in API:
        tree.edit("docs/site/navigation.md", f"pdarts.{name} <docs/site/{name}>\n", "")
        (tree.root / f"docs/site/{name}.rst").unlink()
    tree.write("docs/targets.md", tree.read("docs/targets.md") + BROKEN)
    tree.write("docs/lost.md", "# A page that no other leads to\n")
    recipe = re.search(r"sphinx-build (.*)", tree.read("Makefile"))
    assert recipe
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *recipe[1].split()],
        cwd=tree.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode != 0, done.stdout
    return tree, done.stdout


def test_every_link_that_leads_nowhere_ends_the_build(broken: tuple[Tree, str]) -> None:
    warnings = [line for line in broken[1].splitlines() if "WARNING" in line]
    expected = ("no-such-page", "no-such-heading", "no-such-file", "lost.md")
    assert [name for name in expected if not any(name in line for line in warnings)] == []
    assert len(warnings) == len(expected)


def test_links_to_files_of_the_repository_lead_to_copies_of_them(broken: tuple[Tree, str]) -> None:
    site = broken[0].root / "build/site"
    (link,) = re.findall(r'href="(_downloads/[^"]*/LICENSE)"', (site / "index.html").read_text(encoding="utf-8"))
    assert (site / link).read_text() == broken[0].read("LICENSE")


def test_the_site_names_no_folder_of_the_machine_and_loads_nothing_from_elsewhere(broken: tuple[Tree, str]) -> None:
    root = broken[0].root
    files = [path for path in (root / "build/site").rglob("*") if path.is_file()]
    assert [path for path in files if str(root).encode() in path.read_bytes()] == []
    pages = {path: path.read_text(encoding="utf-8") for path in files if path.suffix == ".html"}
    assert len(pages) > 20
    loads = r'<(?:script|img|iframe)[^>]* src="(?:https?:)?//|<link[^>]* href="(?:https?:)?//'
    assert [path for path, text in pages.items() if re.search(loads, text)] == []


def test_every_key_of_the_config_is_on_the_page_of_all_keys(broken: tuple[Tree, str]) -> None:
    whole = schema()
    nouns = {"Config": whole, **whole["$defs"]}
    expected = {config_keys.target(noun, key): key for noun, part in nouns.items() for key in part["properties"]}
    page = (broken[0].root / "build/site/docs/site/config-keys.html").read_text(encoding="utf-8")
    found = dict(re.findall(r'<dt>.*?id="([\w-]+)".*?<span class="pre">(\w+)</span>', page))
    assert found == expected


@pytest.mark.parametrize(
    ("noun", "key", "values"),
    [
        ("Search", "stem", "`cifar` or `imagenet`; required"),
        ("Search", "candidates", "a list of 2 or more different entries, each text, such as `none`, "),
        ("Recipe", "drop_path", "a number from 0 to below 1; required"),
        ("Recipe", "channels", "a multiple of 2 from 2 to 10,000; required"),
        ("Recipe", "auxiliary_weight", "a number above 0 and at most 10, or `null`; required"),
        ("Recipe", "optimizer", "keys of [`searches.NAME.weights`](#keys-WeightsOptimizer); required"),
        ("StreamedAugmentation", "resized_crop", "a list of 2 entries, each a number above 0 and at most 1; required"),
        ("Training", "changes", "any keys of [`recipes.NAME`](#keys-Recipe); by default `{}`"),
        ("Machine", "download", "`true` or `false`; by default `true`"),
        ("Machine", "local_copy", "text, or `null`; by default `null`"),
    ],
)
def test_the_page_says_which_values_a_key_takes(noun: str, key: str, values: str) -> None:
    assert f"`{key}`{{#{config_keys.target(noun, key)}}}\n: {values}" in config_keys.sections()
