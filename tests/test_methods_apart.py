"""A method lies in files of its own: an edit of it counts for its own searches, and nothing else names it."""

import ast
import re
import shutil
from pathlib import Path

import pytest

from pdarts import sources
from pdarts.settings.methods import METHODS
from pdarts.sources import fingerprint
from tests.configuration import ROOT

PACKAGE = Path(sources.__file__).parent
BASE = "darts"
"""The method that all others are made of."""


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A copy of our own package."""
    copied = tmp_path / "pdarts"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


def made_otherwise(whole: Path, name: str) -> set[tuple[str, str]]:
    """Pairs of a step and a method that the same statement more, in the module `name`, changes."""
    pairs = [(step, method) for step in ("search", "derive") for method in METHODS]
    before = {pair: fingerprint(*pair, root=whole) for pair in pairs}
    path = whole / name
    path.write_text(path.read_text(encoding="utf-8") + "\nREVISION = 2\n", encoding="utf-8")
    return {pair for pair in pairs if fingerprint(*pair, root=whole) != before[pair]}


@pytest.mark.parametrize("method", [method for method in METHODS if method != BASE])
def test_a_method_counts_for_its_own_searches_and_genotypes_alone(whole: Path, method: str) -> None:
    changed = made_otherwise(whole, f"progressive/methods/{method}.py")
    assert changed == {("search", method), ("derive", method)}


def test_the_method_that_all_others_change_in_part_counts_for_all(whole: Path) -> None:
    changed = made_otherwise(whole, f"progressive/methods/{BASE}.py")
    assert changed == {(step, method) for step in ("search", "derive") for method in METHODS}


@pytest.mark.parametrize("name", ["derivation", "refinement"])
def test_rules_of_derivation_count_for_genotypes_and_for_no_search(whole: Path, name: str) -> None:
    assert made_otherwise(whole, f"progressive/{name}.py") == {("derive", method) for method in METHODS}


def test_the_loop_of_a_stage_counts_for_searches_and_for_no_genotype(whole: Path) -> None:
    assert made_otherwise(whole, "progressive/stage.py") == {("search", method) for method in METHODS}


def test_keys_of_methods_count_by_their_values_alone(whole: Path) -> None:
    assert made_otherwise(whole, "settings/methods.py") == set()


def words(path: Path) -> set[str]:
    """All that a module names: identifiers, and words of strings that are no docstrings."""
    tree = ast.parse(path.read_bytes())
    standing_alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in standing_alone:
            found |= set(re.findall(r"\w+", node.value))
        for field in ("id", "attr", "arg", "name", "asname"):
            named = getattr(node, field, None)
            found |= {named} if isinstance(named, str) else set()
    return found


def test_only_methods_and_settings_name_a_method() -> None:
    own = (PACKAGE / "progressive/methods", PACKAGE / "settings")
    others = [path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(own[0]) | path.is_relative_to(own[1])]
    assert len(others) > 100
    named = {path.name: words(path) & set(METHODS) for path in others if words(path) & set(METHODS)}
    assert named == {"nasbench301.py": {"darts"}}  # its files call a search space so
    modules = sources.package(PACKAGE)
    imported = {
        target
        for path in others
        if path.name != "__init__.py"
        for target in sources.imported(modules[dotted(path)], modules)
        if target.startswith(sources.METHODS)
    }
    assert imported == {f"{sources.METHODS}{BASE}"}


def dotted(path: Path) -> str:
    return ".".join(("pdarts", *path.relative_to(PACKAGE).with_suffix("").parts))


@pytest.mark.parametrize(
    "path", [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))], ids=lambda path: path.name
)
def test_no_rule_names_a_method(path: Path) -> None:
    assert set(re.findall(r"\w+", path.read_text(encoding="utf-8"))) & set(METHODS) == set()


def test_naming_a_method_is_found(tmp_path: Path) -> None:
    for text in (
        'METHOD = "sdarts"',
        "import a.b as sdarts",
        "settings.sdarts",
        "def f(sdarts): ...",
        'f"of sdarts {1}"',
    ):
        (tmp_path / "module.py").write_text(text)
        assert "sdarts" in words(tmp_path / "module.py")
    (tmp_path / "module.py").write_text('"""As sdarts does."""\nX = 1\n"""Of sdarts."""\n')
    assert words(tmp_path / "module.py") == {"X"}
