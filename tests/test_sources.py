"""What changes the hash of a step's code, and what does not; each on a small package of real files."""

import os
from pathlib import Path

import pytest

from pdarts import sources
from pdarts.sources import fingerprint

FILES = {
    "search.py": """
        from pdarts.settings import searches
        from pdarts.engine.tracking import Run
        from pdarts.progressive.stage import search

        def main(epochs=25):
            \"\"\"Search.\"\"\"
            return search(epochs, Run())
    """,
    "derive.py": """
        import pdarts.progressive.refinement
        from pdarts.reporting.drawing import draw

        draw(pdarts.progressive.refinement.refine("skip_connect"))
    """,
    "draw.py": "from pdarts.reporting import drawing\n",
    "report.py": "from pdarts.reporting import page\n",
    "train.py": "from pdarts.data import loaders\n",
    "settings/searches.py": "EPOCHS = 25\n",
    "progressive/stage.py": """
        \"\"\"One stage.\"\"\"

        RATE = 0.1
        \"\"\"Where the rate starts.\"\"\"

        def search(epochs, run):
            total = 0
            for epoch in range(epochs):
                total += epoch * RATE - 2
                if epoch > 3:
                    run.log(f"{epoch}: {total:>8}")
                    total = total / 2
            return {"name": "normal", "total": total}
    """,
    "progressive/refinement.py": """
        def refine(operation):
            from pdarts.space.operations import OPERATIONS

            return operation in OPERATIONS
    """,
    "space/operations.py": "OPERATIONS = ('skip_connect', 'sep_conv_3x3')\n",
    "data/loaders.py": """
        from pathlib import Path

        FILE = Path(__file__).parent / "digits" / "digits.csv"
    """,
    "data/digits/digits.csv": "0,1\n",
    "data/digits/README.md": "Digits.\n",
    "engine/tracking.py": "class Run: ...\n",
    "reporting/drawing.py": "def draw(genotype): return genotype\n",
    "reporting/page.py": "TEMPLATES = 'templates'\n",
    "reporting/templates/table.md.j2": "{{ rows }}\n",
}
STEPS = ("search", "derive", "draw", "report", "train")
PACKAGE = Path(sources.__file__).parent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a package of our name: five steps and what they import."""
    root = tmp_path / "pdarts"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").write_text('"""A layer."""\n')
        path.write_text(_dedented(text))
    (root / "data/digits/__init__.py").unlink()
    (root / "reporting/templates/__init__.py").unlink()
    return root


def _dedented(text: str) -> str:
    indent = " " * 8 if text.startswith("\n" + " " * 8) else ""
    return "\n".join(line.removeprefix(indent) for line in text.split("\n"))


def changed(root: Path, name: str, old: str, new: str) -> set[str]:
    """The steps whose fingerprint differs after `old` became `new` in the file `name`."""
    before = {step: fingerprint(step, root=root) for step in STEPS}
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new, 1))
    return {step for step in STEPS if fingerprint(step, root=root) != before[step]}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""One stage."""', '"""One stage of a search."""'),
        ('"""One stage."""', ""),
        ('"""Where the rate starts."""', ""),
        ("RATE = 0.1", "RATE = 0.1  # of skip dropout"),
        ("RATE = 0.1", "\n\nRATE   =   (0.1)"),
        ("RATE = 0.1", "RATE = 0.10"),
        ('"normal"', "'normal'"),
        ("range(epochs)", "range(\n            epochs,\n        )"),
        ('"total": total}', '"total": total,}'),
        ("epoch * RATE - 2", "(epoch * RATE) - 2"),
        ("total = 0", 'total = 0\n    """Of all epochs."""'),
        ("            run.log", "            # every epoch\n            run.log"),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(root: Path, old: str, new: str) -> None:
    assert changed(root, "progressive/stage.py", old, new) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 0.1", "RATE = 0.2"),
        ("RATE = 0.1", "RATE = 1"),
        ("total = 0", "total = 0.0"),
        ("total = 0", "total = False"),
        ("total = 0", "total = None"),
        ("total = 0", "total = ''"),
        ('"normal"', 'b"normal"'),
        ('"normal"', '"Normal"'),
        ("epoch * RATE - 2", "epoch * (RATE - 2)"),
        ("epoch * RATE - 2", "epoch + RATE - 2"),
        ("epoch > 3", "epoch >= 3"),
        ("            total = total / 2", "        total = total / 2"),
        ("{total:>8}", "{total:>9}"),
        ("{total:>8}", "{total!r:>8}"),
        ("search(epochs, run)", "search(epochs, run=None)"),
        ("search(epochs, run)", "search(run, epochs)"),
        ("search(epochs, run)", "search(epochs, *, run)"),
        ("def search", "async def search"),
        ("def search", "def find"),
        ('{"name": "normal", "total": total}', "total"),
    ],
)
def test_an_edit_of_the_code_changes_the_steps_that_import_it(root: Path, old: str, new: str) -> None:
    assert changed(root, "progressive/stage.py", old, new) == {"search"}


def test_a_default_of_the_step_itself_counts(root: Path) -> None:
    assert changed(root, "search.py", "epochs=25", "epochs=26") == {"search"}


def test_an_import_within_a_function_counts(root: Path) -> None:
    assert changed(root, "space/operations.py", "'sep_conv_3x3'", "'sep_conv_5x5'") == {"derive"}


def test_a_module_imported_by_its_whole_name_counts(root: Path) -> None:
    assert changed(root, "progressive/refinement.py", "operation in", "operation not in") == {"derive"}


def test_a_neutral_module_and_what_it_imports_do_not_count(root: Path) -> None:
    assert changed(root, "settings/searches.py", "25", "26") == set()
    assert changed(root, "engine/tracking.py", "class Run", "import pdarts.space.operations\nclass Run") == set()
    assert changed(root, "space/operations.py", "'sep_conv_3x3'", "'sep_conv_5x5'") == {"derive"}


def test_reporting_counts_for_the_steps_that_report(root: Path) -> None:
    assert changed(root, "reporting/drawing.py", "return genotype", "return None") == {"draw"}


def test_a_template_counts_for_the_module_that_names_its_folder(root: Path) -> None:
    assert changed(root, "reporting/templates/table.md.j2", "rows", "lines") == {"report"}


def test_a_new_template_counts(root: Path) -> None:
    before = fingerprint("report", root=root)
    (root / "reporting/templates/table.tex.j2").write_text("{{ rows }}\n")
    assert fingerprint("report", root=root) != before


def test_a_data_file_in_a_named_folder_counts_and_its_read_me_does_not(root: Path) -> None:
    assert changed(root, "data/digits/README.md", "Digits", "Handwritten digits") == set()
    assert changed(root, "data/digits/digits.csv", "0,1", "0,2") == {"train"}


def test_a_new_module_counts_once_it_is_imported(root: Path) -> None:
    before = fingerprint("search", root=root)
    (root / "progressive/schedule.py").write_text("RATE = 0.3\n")
    assert fingerprint("search", root=root) == before
    assert changed(root, "progressive/stage.py", "RATE = 0.1", "from pdarts.progressive.schedule import RATE") == {
        "search"
    }
    assert changed(root, "progressive/schedule.py", "0.3", "0.4") == {"search"}


def test_modules_that_import_each_other_are_read_once(root: Path) -> None:
    (root / "space/operations.py").write_text("import pdarts.progressive.refinement\n\nOPERATIONS = ()\n")
    assert changed(root, "space/operations.py", "()", "('none',)") == {"derive"}


def test_a_reverted_edit_brings_the_old_fingerprint_back(root: Path) -> None:
    before = fingerprint("search", root=root)
    assert changed(root, "progressive/stage.py", "RATE = 0.1", "RATE = 0.2") == {"search"}
    changed(root, "progressive/stage.py", "RATE = 0.2", "RATE = 0.1")
    os.utime(root / "progressive/stage.py", (0, 0))
    assert fingerprint("search", root=root) == before


def test_where_the_package_lies_does_not_count(root: Path) -> None:
    before = {step: fingerprint(step, root=root) for step in STEPS}
    moved = root.rename(root.with_name("elsewhere"))
    assert {step: fingerprint(step, root=moved) for step in STEPS} == before


def test_modules_are_not_run(root: Path) -> None:
    (root / "space/operations.py").write_text("raise RuntimeError('imported')\n")
    assert len(fingerprint("derive", root=root)) == 16


def test_a_step_that_does_not_exist_is_named(root: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"pdarts\.serch.*pdarts\.search"):
        fingerprint("serch", root=root)


@pytest.mark.parametrize("line", ["from pdarts.space import edges", "import pdarts.space", "from pdarts import *"])
def test_an_import_of_no_module_is_named(root: Path, line: str) -> None:
    (root / "progressive/refinement.py").write_text(line)
    with pytest.raises(ModuleNotFoundError, match=r"the package has no such module"):
        fingerprint("derive", root=root)


def test_a_relative_import_is_refused_with_its_place(root: Path) -> None:
    (root / "progressive/refinement.py").write_text("\nfrom . import stage\n")
    with pytest.raises(SyntaxError, match=r"refinement\.py:2"):
        fingerprint("derive", root=root)


def test_the_neutral_modules_exist() -> None:
    existing = sources.package(PACKAGE)
    assert set(sources.NEUTRAL) <= set(existing)
    assert any(name.startswith(sources.SETTINGS) for name in existing)


def test_fingerprints_are_the_same_in_every_process_and_python_version(tmp_path: Path) -> None:
    """The text has what syntax trees of Python 3.11, 3.12 and 3.13 tell differently, were they simply dumped."""
    (tmp_path / "train.py").write_text(
        r"""
def main(rate, /, *, width=5, **rest: int) -> None:
    print(f"{rate = !r:>{width}}" "é \N{EM DASH} \U0001fae8" f"", u"unicode", {**rest, "rates": [*rest, 1e-3, 10**40]})
    match rest:
        case {"seed": int(seed), **others} if others:
            return lambda batch=None: (batch, seed)
    try:
        with (open(b"a") as first, open("b") as second):
            return [line for line in first] or second
    except* OSError:
        raise
""",
        encoding="utf-8",
    )
    assert fingerprint("train", root=tmp_path) == "aee28b6f5fd2e822"
