"""Figures lose bytes, and nothing that is seen."""

import random
import re
from io import StringIO
from itertools import accumulate
from pathlib import Path

import pytest

from pdarts.reporting.cell_drawing import draw
from pdarts.reporting.compact import compact
from pdarts.reporting.figures import FORMATS, save, style, svg
from tests.genotypes import published


def original() -> str:
    """What matplotlib writes."""
    text = StringIO()
    with style():
        draw(published("NASNet")).savefig(text, format="svg", metadata=FORMATS[".svg"])
    return text.getvalue()


def words(text: str) -> list[str]:
    return re.findall(r">([^<>\n{]+)</t", text)


def test_the_same_shapes_and_words_take_half_the_bytes() -> None:
    before, after = original(), compact(original())
    assert len(after) < 0.65 * len(before)
    assert words(after) == words(before)
    assert len(words(after)) > 30
    for tag in ("path", "use", "text", "clipPath"):
        assert after.count(f"<{tag}") == before.count(f"<{tag}")


def test_every_class_is_defined_by_its_style() -> None:
    text = compact(original())
    defined = dict(re.findall(r"\.(s\w{6}){([^}]*)}", text))
    assert set(re.findall(r'class="(\w+)"', text)) == set(defined)
    styles = {style.replace("; ", ";").replace(": ", ":") for style in re.findall(r'style="([^"]*)"', original())}
    assert {style.replace("'", "") for style in defined.values()} == {style.replace("'", "") for style in styles}


def test_numbers_in_words_stay_as_they_are() -> None:
    inside = '<g id="a"><text x="1.23456" style="a: 1.23456">0.12345</text></g>'
    text = f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>'
    assert '<text x="1.23" class="s' in compact(text)
    assert ">0.12345</text>" in compact(text)
    assert "{a:1.23456}" in compact(text)


def drawn(path: str) -> list[tuple[int, int]]:
    """The points of one line, in hundredths."""
    absolute, _, relative = path.rstrip("z ").partition("l")
    numbers = [round(100 * float(number)) for number in re.findall(r"-?\d*\.?\d+", absolute + " " + relative)]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    return list(zip(*map(accumulate, zip(*pairs, strict=True)), strict=True)) if relative else pairs


@pytest.mark.parametrize("closed", ["", " z"])
def test_a_long_line_takes_fewer_bytes_through_the_same_points(closed: str) -> None:
    generator = random.Random(0)
    points = [(place / 3, generator.uniform(-50, 250)) for place in range(200)]
    points[7] = points[6]
    text = "M " + "\nL ".join(f"{x:.6f} {y:.6f}" for x, y in points) + closed
    made = compact(f'<svg xmlns="http://www.w3.org/2000/svg"><path d="{text}"/></svg>')
    (path,) = re.findall(' d="(.*)"', made)
    assert path.endswith("z") == bool(closed)
    assert len(path) < 0.8 * sum(len(f" L {x:.2f} {y:.2f}") for x, y in points)
    # Hundredths are cut off, not rounded.
    assert drawn(path) == [
        (int(f"{x:.6f}"[:-4].replace(".", "")), int(f"{y:.6f}"[:-4].replace(".", ""))) for x, y in points
    ]


def test_curves_and_lines_with_gaps_stay_as_they_are() -> None:
    gap = "M 0 0" + " L 1.5 2.25" * 20 + " M 9 9 L 10 10"
    curve = "M 0 0 C 1 2 3 4 5 6" + " L 1 1" * 20
    for path in (gap, curve):
        assert f'd="{path}"' in compact(f'<svg xmlns="http://www.w3.org/2000/svg"><path d="{path}"/></svg>')


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_a_figure_of_a_rehearsal_differs_in_every_format(tmp_path: Path, suffix: str) -> None:
    for rehearsal in (False, True):
        save(draw(published("PDARTS")), tmp_path / f"{rehearsal}{suffix}", rehearsal)
    assert (tmp_path / f"False{suffix}").read_bytes() != (tmp_path / f"True{suffix}").read_bytes()


def test_the_stamp_is_text_across_the_figure() -> None:
    assert "REHEARSAL" in words(svg(draw(published("PDARTS")), rehearsal=True))
    assert "REHEARSAL" not in svg(draw(published("PDARTS")))
