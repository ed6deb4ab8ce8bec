"""Files that are fetched where there is a network, and only looked for where there is none."""

import json
from pathlib import Path

from pdarts.settings.machine import Machine
from tests.by_hand import call


def test_files_that_are_there_are_named_and_not_read(tmp_path: Path) -> None:
    names = [f"{part}-{kind}-ubyte" for part in ("t10k", "train") for kind in ("images-idx3", "labels-idx1")]
    for name in names:
        (tmp_path / f"{name}.gz").touch()
    output = tmp_path / "files.json"
    machine = Machine(data_roots={"fashion_mnist": str(tmp_path)}, download=False).model_dump_json()
    assert call("download", "--source", "fashion_mnist", "--output", output, "--machine", machine) is None
    assert json.loads(output.read_text()) == {"source": "fashion_mnist", "files": names}


def test_files_that_are_not_there_and_must_not_be_fetched_are_asked_for(tmp_path: Path) -> None:
    machine = Machine(data_roots={"cifar10": str(tmp_path)}, download=False).model_dump_json()
    said = call("download", "--source", "cifar10", "--output", tmp_path / "files.json", "--machine", machine) or ""
    assert "cifar-10-batches-py" in said
    assert "machine.download: true" in said
    assert not (tmp_path / "files.json").exists()


def test_a_source_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "did you mean 'cifar10'?" in (
        call("download", "--source", "cifr10", "--output", tmp_path / "files.json") or ""
    )
