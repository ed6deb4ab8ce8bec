"""What must hold before a release; only what can hold at all times is a part of `make test`."""

import re
import subprocess
import tomllib
from importlib.metadata import version

import pytest
import yaml

from tests.configuration import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def sections() -> list[tuple[str, str]]:
    """Headings of the changelog's versions, from the newest, and what stands below each."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def test_the_citation_and_the_installed_package_have_the_version_of_the_project() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == version("pdarts") == VERSION


@pytest.mark.release
def test_everything_is_committed() -> None:
    status = ["git", "-C", ROOT, "status", "--porcelain"]
    assert subprocess.run(status, capture_output=True, text=True, check=True).stdout == ""


@pytest.mark.release
def test_the_newest_entries_of_the_changelog_are_those_of_this_version_and_have_a_date() -> None:
    heading, entries = next((heading, text) for heading, text in sections() if text.strip())
    released = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["date-released"]
    assert heading == f"[{VERSION}] - {released:%Y-%m-%d}"
    assert re.search("^- ", entries, re.MULTILINE)


@pytest.mark.release
def test_no_tag_has_this_version_yet() -> None:
    tags = subprocess.run(["git", "-C", ROOT, "tag"], capture_output=True, text=True, check=True).stdout.split()
    assert f"v{VERSION}" not in tags
