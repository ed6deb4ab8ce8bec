"""Halves the size of SVG files that matplotlib writes, since pages hold dozens of them."""

import hashlib
import re
import xml.etree.ElementTree as ElementTree

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
GEOMETRY = ("d", "x", "y", "transform", "points", "width", "height")
"""Attributes that hold lengths in pixels; they are cut to hundredths."""


def compact(text: str) -> str:
    """Write the same drawing in fewer bytes.

    Groups without attributes, metadata and white space are removed, and long lines are written as steps from point to
    point. A style that several elements have is written once, as a class. Its name is a hash of the style, so that
    classes of several drawings on a page cannot collide.
    """
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(text)
    _flatten(root)
    classes: dict[str, str] = {}
    for element in root.iter():
        for name in GEOMETRY:
            if name in element.attrib:
                short = re.sub(r"(\.\d\d)\d+", r"\1", element.attrib[name])
                element.set(name, _relative(" ".join(short.split())))
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
        if "style" in element.attrib:
            style = element.attrib.pop("style").replace("; ", ";").replace(": ", ":")
            name = "s" + hashlib.sha256(style.encode()).hexdigest()[:6]
            element.set("class", name)
            classes[name] = f".{name}{{{style}}}"
    if classes:
        sheet = ElementTree.Element(f"{{{SVG}}}style")
        sheet.text = "".join(classes[name] for name in sorted(classes))
        root.insert(0, sheet)
    return ElementTree.tostring(root, encoding="unicode")


def _relative(path: str) -> str:
    """Write a path of at least ten points by the distances between them; other paths stay."""
    if not re.fullmatch(r"M( -?[\d.]+){2}( L( -?[\d.]+){2}){9,}( z)?", path):
        return path
    numbers = [round(100 * float(number)) for number in re.findall(r"-?[\d.]+", path)]
    steps = [_number(number - before) for number, before in zip(numbers, [0, 0, *numbers], strict=False)]
    first, others = "".join(steps[:2]), "".join(steps[2:])
    return f"M{first.lstrip()}l{others.lstrip()}{'z' if path.endswith('z') else ''}"


def _number(hundredths: int) -> str:
    """Write a number with what separates it from the one before: its sign, or a space."""
    text = f"{hundredths / 100:.2f}".rstrip("0").rstrip(".")
    short = text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
    return short if short.startswith("-") else f" {short}"


def _flatten(element: ElementTree.Element) -> None:
    children: list[ElementTree.Element] = []
    for child in element:
        _flatten(child)
        plain = child.tag == f"{{{SVG}}}g" and not child.attrib.keys() - {"id"}
        if child.tag != f"{{{SVG}}}metadata":
            children += list(child) if plain else [child]
    element[:] = children
    if children and element.text and not element.text.strip():
        element.text = None
    for child in children:
        if not (child.tail or "").strip():
            child.tail = None
