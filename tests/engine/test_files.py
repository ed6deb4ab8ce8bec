"""Files are whole or not there, and JSON is easy on the eye."""

import json
from pathlib import Path

import pytest

from pdarts.engine.files import write, write_json
from tests.genotypes import FOLDER


def test_json_has_a_line_for_every_key_and_lists_in_one(tmp_path: Path) -> None:
    published = FOLDER / "PDARTS.json"
    write_json(tmp_path / "genotype.json", json.loads(published.read_text()))
    assert (tmp_path / "genotype.json").read_text() == published.read_text()


@pytest.mark.parametrize(
    "value", [{}, [], None, 0.1, {"a": {}, "b": []}, [{"a": [1, {"b": "ü\n"}]}, 2], {"x": [[1, 2]]}]
)
def test_json_reads_back_as_it_was(value: object, tmp_path: Path) -> None:
    write_json(tmp_path / "value.json", value)
    assert json.loads((tmp_path / "value.json").read_text()) == value


def test_what_is_no_json_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "value.json", {"loss": [float("nan")]})
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    write_json(path, 1)

    def fail(part: Path) -> None:
        part.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left") as raised:
        write(path, fail)
    assert raised.value.filename == str(path)
    assert [file.name for file in tmp_path.iterdir()] == ["value.json"]
    assert json.loads(path.read_text()) == 1
