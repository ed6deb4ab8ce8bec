"""The workflows of GitHub Actions run what `.ci/run` runs, so that whoever cannot see GitHub's machines can try it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.configuration import ROOT

WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / ".github/workflows").glob("*.yml")
}

CI = set(re.findall(r"^timed (make .+)$", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE))

LONGER = {
    "make rehearsal": "make rehearsal-short",
    "make test-cluster-long": "make test-cluster",
    "make test-kills": "make test",
}
"""Commands that take too long for `.ci/run`, and those that do a part of the same."""


def steps(workflow: str) -> list[dict[str, Any]]:
    return [step for job in WORKFLOWS[workflow]["jobs"].values() for step in job["steps"]]


def commands(workflow: str) -> set[str]:
    return {step["run"] for step in steps(workflow) if "run" in step}


def test_github_runs_all_of_ci_on_each_push_and_nothing_else() -> None:
    assert commands("checks") == CI


def test_the_weekly_commands_are_longer_forms_of_those_of_ci() -> None:
    assert commands("weekly") == {"make setup", *LONGER}
    assert CI.issuperset(LONGER.values())
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [command for command in LONGER if not re.search(rf"^{command[5:]}:", makefile, re.MULTILINE)] == []


def test_actionlint_has_nothing_to_say() -> None:
    command = [Path(sys.executable).with_name("actionlint"), "-no-color", "-shellcheck=", "-pyflakes="]
    files = [ROOT / ".github/workflows" / f"{name}.yml" for name in WORKFLOWS]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_tests_run_on_every_version_of_python_that_the_project_names() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    versions = re.findall(r"Programming Language :: Python :: (3\.\d+)$", "\n".join(named), re.MULTILINE)
    matrix = WORKFLOWS["checks"]["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == versions
    assert any(place["system"].startswith("macos") for place in matrix["include"])


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_workflow_may_only_read_and_its_jobs_end(workflow: str) -> None:
    assert WORKFLOWS[workflow]["permissions"] == {"contents": "read"}
    limits = [job["timeout-minutes"] for job in WORKFLOWS[workflow]["jobs"].values()]
    assert max(limits) < (60 if workflow == "checks" else 360)
    actions = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert actions
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in actions)
