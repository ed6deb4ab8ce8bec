"""Gives all figures one style, one colour per operation, and files that are reproducible byte for byte."""

import colorsys
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from pdarts.engine.files import write, write_text
from pdarts.errors import InputError
from pdarts.reporting.compact import compact


class _Colors(dict[str, str]):
    """Colours by operation; one that is not listed gets a hue from its name, dark enough for a line on white."""

    def __missing__(self, name: str) -> str:
        hue = int.from_bytes(hashlib.sha256(name.encode()).digest()[:2]) / 2**16
        channels = colorsys.hls_to_rgb(hue, LIGHTNESS, SATURATION)
        return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)


LIGHTNESS, SATURATION = 0.34, 0.75

OPERATION_COLORS = _Colors(
    {
        "none": "#8c8c8c",
        "max_pool_3x3": "#0b5394",
        "avg_pool_3x3": "#3d9be0",
        "skip_connect": "#e07b00",
        "sep_conv_3x3": "#1e8449",
        "sep_conv_5x5": "#7cb518",
        "sep_conv_7x7": "#0b5345",
        "dil_conv_3x3": "#8e44ad",
        "dil_conv_5x5": "#d6448f",
        "conv_7x1_1x7": "#8d5524",
    }
)
"""Colour of each operation: pooling blue, skip connections orange, separable convolutions green, dilated purple."""

INK, FAINT = "#24292f", "#b3bac2"
"""Colours of text and main lines, and of lines in the background."""

STAMP = "#c0392b"
"""Colour of the stamp on figures of a rehearsal."""

FORMATS = {
    ".svg": {"Creator": None, "Date": None, "Format": None, "Type": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".png": {"Software": None},
}
"""File formats by suffix, with the metadata that would make two files of the same figure differ."""

_STYLE: Any = {  # old releases of matplotlib have no name for the type of its keys
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"],
    "font.size": 8,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    # Text stays text, to be searched, read aloud and restyled; the first font is part of matplotlib and is the one
    # that sizes are measured with, and the others are no wider.
    "svg.fonttype": "none",
    "svg.hashsalt": "pdarts",
    "pdf.fonttype": 42,
}


@contextmanager
def style() -> Iterator[None]:
    """Apply the style of all figures, in place of a user's own matplotlib settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def save(figure: Figure, path: Path, rehearsal: bool = False) -> None:
    """Write `figure` in the format that the suffix names; the same figure gives the same bytes.

    Args:
        figure: the figure.
        path: the file.
        rehearsal: whether to put a stamp on it.

    Raises:
        InputError: if the suffix is not in `FORMATS`.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise InputError(f"{path}: cannot draw {suffix or 'a file without suffix'!r}; allowed: {', '.join(FORMATS)}")
    if suffix == ".svg":
        write_text(path, svg(figure, rehearsal))
        return
    with style():
        if rehearsal:
            _stamp(figure)
        write(path, lambda part: figure.savefig(part, format=suffix[1:], dpi=150, metadata=FORMATS[suffix]))


def svg(figure: Figure, rehearsal: bool = False) -> str:
    """Write `figure` as the text of an SVG file, with a stamp if it shows a rehearsal."""
    text = StringIO()
    with style():
        if rehearsal:
            _stamp(figure)
        figure.savefig(text, format="svg", metadata=FORMATS[".svg"])
    return compact(text.getvalue())


def _stamp(figure: Figure) -> None:
    """Write REHEARSAL across the whole figure."""
    width, height = figure.get_size_inches()
    size = min(7 * width, 15 * height)  # typographic points: the word fills about two thirds of the width
    stamp: dict[str, Any] = {"ha": "center", "va": "center", "rotation": 12, "alpha": 0.22, "zorder": 9}
    figure.text(0.5, 0.5, "REHEARSAL", color=STAMP, size=size, weight="bold", **stamp)
