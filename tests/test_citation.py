"""What catalogs and people who cite read of this project fits it."""

from typing import Any

import pytest
import yaml

from tests.configuration import ROOT

CATALOG: dict[str, Any] = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())


def test_the_workflow_catalog_finds_what_it_looks_for() -> None:
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    assert (ROOT / "Snakefile").is_file()
    assert list((ROOT / "rules").glob("*.smk"))
    assert "config.yaml" in (ROOT / "config" / "README.md").read_text()


def test_the_catalog_is_told_how_to_call_the_workflow() -> None:
    usage = CATALOG["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert set(usage["software-stack-deployment"]) == {"conda", "apptainer", "apptainer+conda"}
    assert usage["report"] is True


@pytest.mark.parametrize("part", [(), ("preferred-citation",)])
def test_the_citation_says_who_what_and_where(part: tuple[str, ...]) -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    for key in part:
        citation = citation[key]
    needed = {"title", "authors", "type"} | ({"year", "doi", "start", "end"} if part else {"version", "license"})
    assert needed <= set(citation)
