"""Figures lose bytes, and nothing that is seen."""

import re
from io import StringIO
from pathlib import Path

import pytest

from pdarts.reporting.compact import compact
from pdarts.reporting.drawing import draw
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


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_a_figure_of_a_rehearsal_differs_in_every_format(tmp_path: Path, suffix: str) -> None:
    for rehearsal in (False, True):
        save(draw(published("PDARTS")), tmp_path / f"{rehearsal}{suffix}", rehearsal)
    assert (tmp_path / f"False{suffix}").read_bytes() != (tmp_path / f"True{suffix}").read_bytes()


def test_the_stamp_is_text_across_the_figure() -> None:
    assert "REHEARSAL" in words(svg(draw(published("PDARTS")), rehearsal=True))
    assert "REHEARSAL" not in svg(draw(published("PDARTS")))
