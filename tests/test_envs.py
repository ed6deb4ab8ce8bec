"""The pinned environments agree."""

from pathlib import Path

import yaml

ENVS = Path(__file__).parents[1] / "envs"


def pins(name: str) -> list[str]:
    return [line for line in (ENVS / name).read_text().splitlines() if not line.startswith("#")]


def test_conda_and_pip_install_the_same_versions() -> None:
    *_, from_pip = yaml.safe_load((ENVS / "pdarts.yaml").read_text())["dependencies"]
    assert from_pip == {"pip": pins("requirements.txt")}


def test_every_pin_is_an_exact_public_version() -> None:
    for pin in pins("requirements.txt") + pins("requirements-dev.txt"):
        _, version = pin.split("==")
        assert version[0].isdigit()
        assert "+" not in version


def test_tools_are_not_part_of_what_the_workflow_runs_with() -> None:
    names = [{pin.split("==")[0] for pin in pins(name)} for name in ("requirements.txt", "requirements-dev.txt")]
    assert names[0].isdisjoint(names[1])
    assert {"pytest", "ruff", "mypy", "snakefmt"} <= names[1]


def test_every_plugin_that_a_profile_names_is_installed() -> None:
    profiles = [yaml.safe_load(path.read_text()) for path in (ENVS.parent / "profiles").glob("*/config.yaml")]
    plugins = {f"snakemake-executor-plugin-{profile['executor']}" for profile in profiles if "executor" in profile}
    assert len(plugins) > 1
    assert plugins <= {pin.split("==")[0] for pin in pins("requirements.txt") + pins("requirements-dev.txt")}


def test_containers_install_the_same_versions_for_the_same_python() -> None:
    conda = yaml.safe_load((ENVS / "pdarts.yaml").read_text())["dependencies"][0]
    for name in ("Dockerfile", "pdarts.def"):
        text = (ENVS / name).read_text()
        assert f"python:{conda.partition('=')[2]}-slim" in text
        assert "pip install --no-cache-dir --requirement /tmp/requirements.txt" in text
        assert "envs/requirements.txt /tmp/requirements.txt" in text
