"""Hashes of the code that steps are made of, so that an edit reruns the steps that it can change, and no others.

Snakemake sees the command of a rule, not the code behind `python -m`; with this hash in the command it does.
Modules are read, never imported.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NEUTRAL = (
    "pdarts.errors",
    "pdarts.extensions",  # the files that it loads count
    "pdarts.sources",
    "pdarts.data.local_copy",  # what it copies is compared with the index
    "pdarts.data.lock",
    "pdarts.engine.invocation",
    "pdarts.engine.progress",
    "pdarts.engine.provenance",
    "pdarts.engine.step",
    "pdarts.engine.termination",
    "pdarts.engine.tracking",
)
"""Modules that touch no step's result; neither they nor what only they import counts."""

SETTINGS = "pdarts.settings."
"""Neutral as a whole: its values reach a step in its command."""

REPORTING = "pdarts.reporting."
REPORTING_STEPS = ("draw", "curves", "report")
"""Steps whose results `pdarts.reporting` makes; to others it only lends pictures for tracking, and does not count."""

METHODS = "pdarts.progressive.methods."
"""Methods of search, of which a search and its derivation have one: that which settings name."""

RULES = "pdarts.progressive.derivation"
"""Rules that choose the cell of a finished search: methods refer to them, but no search is made of them."""

_LAYOUT = ("ctx", "kind")
"""Fields of syntax nodes that say nothing which the rest of the tree does not say."""


@dataclass(frozen=True)
class Module:
    """The parts of a module that count for a hash."""

    digest: str
    """Hash of its code without comments, docstrings and layout."""
    imports: frozenset[str]
    """Dotted names of all that it imports, in functions too; `from a import b` gives `a.b`."""
    strings: frozenset[str]
    """Its string constants."""


def fingerprint(
    step: str, method: str | None = None, root: Path = Path(__file__).parent, extensions: Iterable[str] = ()
) -> str:
    """The hash of the code of `pdarts.STEP` and of all modules of the package that it imports, directly or not.

    Names, values and the order of statements count, and so do the files and folders beside a module that a string in
    it names, such as its templates. Comments, docstrings, layout, Python's version and neutral modules do not.

    Args:
        step: a module at the package's top, such as `search`.
        method: of search, whose module counts too, if it is the package's; None for steps that have none.
        root: the folder of the package.
        extensions: the user's files of which something is used. They count byte by byte, with what they import from
            the package.

    Returns:
        16 hexadecimal digits.

    Raises:
        ModuleNotFoundError: if the step, or a module of the package that it imports, does not exist.
        SyntaxError: if a module is no Python, or imports relatively.
    """
    modules = package(root)
    counted = hashlib.sha256()
    own = [Path(file).read_bytes() for file in extensions]
    imports = {name for text in own for name in _read(text, "an extension").imports}
    for name in sorted(reached(step, modules, method, imports if own else None)):
        counted.update(f"{name} {modules[name].digest}\n".encode())
        for path in _files_beside(name, modules[name], root):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            counted.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    for digest in sorted(hashlib.sha256(text).hexdigest() for text in own):
        counted.update(f"extension {digest}\n".encode())
    return counted.hexdigest()[:16]


def package(root: Path) -> dict[str, Module]:
    """All modules of the package in `root`, by dotted name; `__init__.py` files hold docstrings only and do not count.

    Raises:
        SyntaxError: if a module is no Python, or imports relatively.
    """
    return {
        ".".join(("pdarts", *path.relative_to(root).with_suffix("").parts)): _read(path.read_bytes(), str(path))
        for path in sorted(root.rglob("*.py"))
        if path.name != "__init__.py"
    }


def reached(
    step: str, modules: Mapping[str, Module], method: str | None = None, extended: Iterable[str] | None = None
) -> set[str]:
    """Names of the modules whose code counts for the result of `pdarts.STEP`, itself among them.

    Args:
        step: as in `fingerprint`.
        modules: of the package.
        method: as in `fingerprint`.
        extended: what extensions import, which may hold the method; None where there are none.
    """
    found: set[str] = set()
    waiting = {_module(f"pdarts.{step}", modules)}
    if method is not None and (extended is None or f"{METHODS}{method}" in modules):
        waiting.add(_module(f"{METHODS}{method}", modules))
    waiting |= {_module(name, modules) for name in extended or () if name.startswith("pdarts.")}
    while waiting:
        name = waiting.pop()
        lent = name.startswith(REPORTING) and step not in REPORTING_STEPS
        lent |= name == RULES and step == "search"
        neutral = name in NEUTRAL or name.startswith(SETTINGS)
        if name not in found and not neutral and not lent:
            found.add(name)
            waiting |= imported(modules[name], modules)
    return found


def imported(module: Module, modules: Mapping[str, Module]) -> set[str]:
    """Names of the modules of the package that `module` itself imports.

    Raises:
        ModuleNotFoundError: if one does not exist.
    """
    return {_module(name, modules) for name in module.imports if name.partition(".")[0] == "pdarts"}


def _module(name: str, modules: Mapping[str, Module]) -> str:
    """The module that `name` stands for, which may be that of something in a module."""
    for candidate in (name, name.rpartition(".")[0]):
        if candidate in modules:
            return candidate
    raise ModuleNotFoundError(f"{name}: the package has no such module; import one of {', '.join(modules)}")


def _files_beside(name: str, module: Module, root: Path) -> Iterator[Path]:
    """Files beside the module, or in folders beside it, that a string of it names; no Python and no read-me."""
    folder = root.joinpath(*name.split(".")[1:-1])
    named = {string.partition("/")[0] for string in module.strings}
    for path in sorted(folder.iterdir()):
        if path.name in named and not (path / "__init__.py").exists():
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file() and file.suffix not in (".py", ".pyc") and not file.name.startswith((".", "README")):
                    yield file


@cache
def _read(text: bytes, filename: str) -> Module:
    tree = ast.parse(text, filename)
    imports, strings = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise SyntaxError(f"{filename}:{node.lineno}: a relative import; write it in full")
            imports |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
    digest = hashlib.sha256(_canonical(tree).encode()).hexdigest()
    return Module(digest, frozenset(imports), frozenset(strings))


def _canonical(node: object) -> str:
    """A syntax tree as text, the same in every Python version: unlike in `ast.dump`, absent fields leave no trace."""
    if isinstance(node, list):
        return f"[{','.join([_canonical(item) for item in node if not _is_docstring(item)])}]"
    if not isinstance(node, ast.AST):
        return ascii(node)  # not repr: which characters it escapes depends on Python's version
    if isinstance(node, ast.JoinedStr):  # Python 3.12 puts an empty string behind a format's last field
        node = ast.JoinedStr([part for part in node.values if not (isinstance(part, ast.Constant) and not part.value)])
    fields = []
    for name in node._fields:
        value = getattr(node, name, None)
        if value is not None and value != [] and name not in _LAYOUT:
            fields.append(f"{name}={_canonical(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _is_docstring(node: object) -> bool:
    """Whether `node` is a string that stands alone: of a module, class or function, or below a constant or field."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
