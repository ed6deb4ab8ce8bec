"""Fills the templates of a table in LaTeX and of a page that needs no other file."""

import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pdarts.errors import InputError
from pdarts.reporting.compact import SVG, XLINK

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "{}$&#%_"},
    "*": "{*}",
    "`": r"\textasciigrave{}",
    "[": "{[}",
    "]": "{]}",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "–": "--",
    "\N{MINUS SIGN}": "$-$",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "\N{NO-BREAK SPACE}": "~",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
}
_GREEK = {
    "αβγδεζηθικλμ": "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu",
    "νξπρστυφχψω": "nu xi pi rho sigma tau upsilon phi chi psi omega",
    "ΓΔΘΛΞΠΣΦΨΩ": "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega",
}
for letters, names in _GREEK.items():
    _SPECIAL |= {letter: f"$\\{name}$" for letter, name in zip(letters, names.split(), strict=True)}


def render(template: str, values: dict[str, Any]) -> str:
    """Fill a template of `pdarts/reporting/templates`; values are escaped for its format."""
    latex = template.endswith(".tex.j2")
    environment = Environment(
        loader=PackageLoader("pdarts.reporting", "templates"),
        undefined=StrictUndefined,
        autoescape=not latex,
        finalize=escape_latex if latex else None,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(values)


def escape_latex(value: object) -> str:
    """Write `value` in one line, with the characters escaped that LaTeX would interpret, or would not know."""
    text = re.sub(r"[ \t\r\n\f\v]+", " ", unicodedata.normalize("NFC", str(value)))
    return "".join(_SPECIAL.get(character, character) for character in text)


def read_svg(path: Path) -> str:
    """Read the text of a figure's file.

    Raises:
        InputError: if the file is missing.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path}: this figure does not exist; pdarts.draw or pdarts.curves makes it") from error


def inline_svg(text: str, where: str, prefix: str, label: str) -> Markup:
    """Prepare a drawing to stand inside a page, in its own size.

    Args:
        text: text of an SVG file.
        where: name of the file, for messages.
        prefix: text before every id, so that ids of several drawings differ.
        label: description for screen readers.

    Raises:
        InputError: if `text` is not an SVG.
    """
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InputError(
            f"{where}: not a whole SVG ({error}); make it anew with pdarts.draw or pdarts.curves"
        ) from error
    if root.tag != f"{{{SVG}}}svg" or "viewBox" not in root.attrib:
        raise InputError(f"{where}: not an SVG with a viewBox; make it anew with pdarts.draw or pdarts.curves")
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "id":
                element.set(name, prefix + value)
            elif name.endswith("href"):
                element.set(name, re.sub(r"^#", f"#{prefix}", value))
            elif "url(#" in value:
                element.set(name, value.replace("url(#", f"url(#{prefix}"))
    root.attrib.pop("height", None)  # a narrow page limits the width, and the height has to follow
    root.attrib |= {"role": "img", "aria-label": label}
    return Markup(ElementTree.tostring(root, encoding="unicode"))
