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
    "pdarts.gpus",
    "pdarts.memory",
    "pdarts.sources",
    "pdarts.data.local_copy",  # what it copies is compared with the index
    "pdarts.data.lock",
    "pdarts.engine.invocation",
    "pdarts.engine.obstacles",
    "pdarts.engine.progress",
    "pdarts.engine.provenance",
    "pdarts.engine.sharing",
    "pdarts.engine.step",
    "pdarts.engine.termination",
    "pdarts.engine.tracking",
)
"""Modules that change no step's result; neither they nor modules that only they import count."""

SETTINGS = "pdarts.settings."
"""Prefix of the settings' modules, all of which are neutral: a step's settings are in its command."""

REPORTING = "pdarts.reporting."
REPORTING_STEPS = ("draw", "curves", "report")
"""Steps whose results `pdarts.reporting` makes. For others, it only draws pictures for tracking and does not count."""

METHODS = "pdarts.progressive.methods."
"""Prefix of the search methods' modules; for a search and its derivation, only that of their own method counts."""

RULES = "pdarts.progressive.derivation"
"""Rules that derive the cell of a finished search; methods refer to them, but they change no search."""

_LAYOUT = ("ctx", "kind")
"""Fields of syntax nodes that repeat what the rest of the tree says."""


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
    """Hash the code of `pdarts.STEP` and of all modules of the package that it imports, directly or not.

    Names, values and the order of statements count, and so do the files and folders beside a module that a string in
    it names, such as its templates. Comments, docstrings, layout, Python's version and neutral modules do not.

    Args:
        step: a module at the package's top, such as `search`.
        method: the search method, whose module counts too if it is the package's; None for steps without one.
        root: the folder of the package.
        extensions: the user's files that the step uses. They count byte by byte, with all that they import from the
            package.

    Returns:
        16 hexadecimal digits.

    Raises:
        ModuleNotFoundError: if the step, or a module of the package that it imports, does not exist.
        SyntaxError: if a module is not Python, or imports relatively.
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
    """Read all modules of the package in `root`, by dotted name; not `__init__.py` files, which hold only docstrings.

    Raises:
        SyntaxError: if a module is not Python, or imports relatively.
    """
    return {
        ".".join(("pdarts", *path.relative_to(root).with_suffix("").parts)): _read(path.read_bytes(), str(path))
        for path in sorted(root.rglob("*.py"))
        if path.name != "__init__.py"
    }


def reached(
    step: str, modules: Mapping[str, Module], method: str | None = None, extended: Iterable[str] | None = None
) -> set[str]:
    """Find the modules whose code counts for the result of `pdarts.STEP`; the step's own is one of them.

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
    """Find the module that has this dotted name, or that holds the object of this name."""
    for candidate in (name, name.rpartition(".")[0]):
        if candidate in modules:
            return candidate
    raise ModuleNotFoundError(f"{name}: the package has no such module; import one of {', '.join(modules)}")


def _files_beside(name: str, module: Module, root: Path) -> Iterator[Path]:
    """Find files beside the module, or in folders beside it, that its strings name; no Python files and no read-mes."""
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
    """Write a syntax tree as text, the same in all versions of Python: unlike `ast.dump`, without absent fields."""
    if isinstance(node, list):
        return f"[{','.join([_canonical(item) for item in node if not _is_docstring(item)])}]"
    if not isinstance(node, ast.AST):
        return ascii(node)  # not repr: which characters it escapes depends on Python's version
    if isinstance(node, ast.JoinedStr):  # Python 3.12 puts an empty string after a format's last field
        node = ast.JoinedStr([part for part in node.values if not (isinstance(part, ast.Constant) and not part.value)])
    fields = []
    for name in node._fields:
        value = getattr(node, name, None)
        if value is not None and value != [] and name not in _LAYOUT:
            fields.append(f"{name}={_canonical(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _is_docstring(node: object) -> bool:
    """Whether `node` is a string on its own: in a module, class or function, or below a constant or field."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
