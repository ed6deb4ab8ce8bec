"""The package's layers: modules import what lies below them, so that an edit invalidates only what lies above it."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from pdarts import sources
from pdarts.sources import Module, imported, package

ROOT = Path(sources.__file__).parent
MODULES = package(ROOT)

BELOW = {
    "errors": set(),
    "gpus": set(),
    "memory": set(),
    "paths": set(),
    "sources": set(),
    "space": {"errors"},
    "checking": {"errors"},
    "data.catalog": {"errors", "data"},
    "data.changes": {"data", "errors"},
    "settings": {"checking", "errors", "space", "data.catalog"},
    "extensions": {"errors", "settings", "space"},
    "nets": {"checking", "errors", "extensions", "settings", "space"},
    "nets.inference": {"data", "errors", "extensions", "nets"},
    "nets.exporting": {"data", "errors", "memory", "nets", "space"},
    "data": {"checking", "errors", "memory", "settings"},
    "engine": {"checking", "errors", "extensions", "gpus", "memory", "settings", "sources", "data"},
    "progressive": {"checking", "errors", "extensions", "settings", "space", "nets", "data", "engine"},
    "reporting": {"checking", "errors", "paths", "settings", "space", "engine"},
    "workflow": {
        *("checking", "data.catalog", "data.changes", "errors", "extensions", "gpus", "paths", "settings", "sources"),
        *("space", "reporting"),
    },
    "tools": {
        *("checking", "errors", "extensions", "gpus", "memory", "paths", "settings", "sources", "space", "nets"),
        *("data", "engine", "progressive", "reporting", "workflow", "curves", "draw", "report", "trace"),
    },
}
"""What each layer may import beside itself: a folder, a module at the top, or a module that lies below its folder.

All else at the top is a step.
"""

STEPS = sorted(name.split(".")[1] for name in MODULES if name.count(".") == 1 and name.split(".")[1] not in BELOW)

READERS = ("choose", "draw", "export", "test", "train")
"""Steps that read genotype files."""


def upward(modules: Mapping[str, Module]) -> set[tuple[str, str]]:
    """Pairs of a module and one that it imports though it does not lie below."""
    return {
        (name, target)
        for name, module in modules.items()
        for target in imported(module, modules)
        if not lies_below(layer(name), layer(target))
    }


def layer(module: str) -> str:
    """The layer of a module, or the name of a step."""
    within = module.removeprefix("pdarts.")
    return within if within in BELOW else within.partition(".")[0]


def lies_below(layer: str, target: str) -> bool:
    if layer not in BELOW:
        return target in BELOW
    return not {layer, *BELOW[layer]}.isdisjoint({target, target.partition(".")[0]})


def reach(step: str) -> set[str]:
    """All modules of the package that are loaded when the step is, or when a function asks for them.

    The readers of the catalog are left out: they are loaded when images are read.
    """
    found, waiting = set(), {f"pdarts.{step}"}
    while waiting:
        name = waiting.pop()
        found.add(name)
        if name != "pdarts.data.catalog":
            waiting |= imported(MODULES[name], MODULES) - found
    return found


def others(module: Module) -> set[str]:
    """Top names of what a module imports from outside the package."""
    return {name.partition(".")[0] for name in module.imports} - {"pdarts"}


def test_every_module_imports_only_what_lies_below_it() -> None:
    assert upward(MODULES) == set()


def test_no_modules_import_each_other() -> None:
    order = TopologicalSorter({name: imported(module, MODULES) for name, module in MODULES.items()})
    assert set(order.static_order()) == set(MODULES)


def test_every_folder_is_a_layer() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders == {layer for layer in BELOW if not ROOT.joinpath(*layer.split(".")).with_suffix(".py").exists()}


def test_a_search_does_not_depend_on_genotypes() -> None:
    assert "pdarts.progressive.stage" in reach("search")
    assert "pdarts.space.genotype" not in reach("search")


def test_the_forms_of_genotype_files_concern_the_steps_that_read_them_alone() -> None:
    forms = {name for name in MODULES if name.startswith("pdarts.space.forms.")} - {"pdarts.space.forms.writing"}
    counted = {step: {name for name in sources.reached(step, MODULES) if ".space.forms." in name} for step in STEPS}
    assert {step: found for step, found in counted.items() if found} == dict.fromkeys(READERS, forms)


def test_a_training_does_not_depend_on_the_search() -> None:
    assert "pdarts.nets.network" in reach("train")
    assert not [name for name in reach("train") if name.startswith("pdarts.progressive.")]


@pytest.mark.parametrize("step", [step for step in STEPS if step in sources.REPORTING_STEPS])
def test_reports_start_without_torch(step: str) -> None:
    loaded = {name: others(MODULES[name]) for name in reach(step)}
    assert any(name.startswith("pdarts.reporting.") for name in loaded)
    assert [name for name, packages in loaded.items() if packages & {"torch", "torchvision"}] == []


def test_tracking_alone_knows_weights_and_biases() -> None:
    assert [name for name, module in MODULES.items() if "wandb" in others(module)] == ["pdarts.engine.tracking"]


def test_imports_are_statements_that_can_be_read_but_for_methods_and_extensions_which_are_found_by_name() -> None:
    hidden = {"importlib", "importlib.import_module", "importlib.util", "runpy", "pkgutil"}
    hidden |= {"importlib.util.module_from_spec", "importlib.machinery.SourceFileLoader"}
    found = [name for name, module in MODULES.items() if module.imports & hidden]
    assert found == ["pdarts.extensions", "pdarts.progressive.method"]


def test_settings_are_read_without_torch() -> None:
    command = "import sys, pdarts.extensions, pdarts.settings.config; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", command], check=True)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_a_package_is_a_docstring_only(path: Path) -> None:
    tree = ast.parse(path.read_bytes())
    assert len(tree.body) == 1
    assert ast.get_docstring(tree)


@pytest.mark.parametrize(
    ("importing", "imported_name"),
    [
        ("space/topology.py", "nets.network"),
        ("nets/network.py", "progressive.stage"),
        ("data/loaders.py", "engine.loop"),
        ("engine/loop.py", "progressive.stage"),
        ("reporting/grid.py", "nets.network"),
        ("progressive/stage.py", "search"),
        ("search.py", "train"),
        ("errors.py", "settings.config"),
    ],
)
def test_an_import_upward_or_aside_is_found(tmp_path: Path, importing: str, imported_name: str) -> None:
    target = tmp_path.joinpath(*imported_name.split(".")).with_suffix(".py")
    for path in (tmp_path / importing, target):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / importing).write_text(f"def main():\n    from pdarts.{imported_name} import anything\n")
    name = "pdarts." + importing.removesuffix(".py").replace("/", ".")
    assert upward(package(tmp_path)) == {(name, f"pdarts.{imported_name}")}
