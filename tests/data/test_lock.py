"""Locks, and file systems that have none."""

import errno
import fcntl
from pathlib import Path

import pytest

from pdarts.data.lock import locked, taken


def test_one_holds_a_lock_until_its_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("a") as first, path.open("a") as second:
        assert taken(first)
        assert not taken(second)
        first.close()
        assert taken(second)


def test_where_there_are_no_locks_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    path = tmp_path / "lock"
    with locked(path):
        assert path.exists()
    assert f"warning: {path} cannot be locked (No locks available)" in capsys.readouterr().err
