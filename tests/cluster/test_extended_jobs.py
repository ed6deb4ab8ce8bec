"""Operations, methods and schedules of the user's own in jobs of a real SLURM."""

import json

import pytest

from tests.cluster.site import CONFIG, GENOTYPE, STAGE, TEST, Site
from tests.own import FILES

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("accounting")]


def test_jobs_load_the_files_that_the_config_names(site: Site) -> None:
    for name, text in FILES.items():
        site.write(name, text)
    site.edit(CONFIG, "searches:\n", f"extensions: [{', '.join(FILES)}]\nsearches:\n")
    site.edit(CONFIG, "max_pool_3x3, skip_connect, sep_conv_3x3", "doubled, skip_connect, sep_conv_3x3")
    site.edit(CONFIG, "method: p_darts", "method: bounded\n    bound: 0.5")
    site.edit(CONFIG, "epochs: 20\n    frozen_epochs: 8", "epochs: 2\n    frozen_epochs: 1")
    site.edit(CONFIG, "recipe: tiny, seeds: [0]}", "recipe: tiny, changes: {schedule: halving}, seeds: [0]}")
    site.finish("--", TEST)
    stage = json.loads(site.read(STAGE))
    assert stage["settings"]["method"] == "bounded"
    assert "doubled" in stage["cells"]["normal"][0]["weights"]
    assert json.loads(site.read(TEST))["settings"]["recipe"]["schedule"] == "halving"
    assert (site.root / GENOTYPE).exists()


def test_a_file_with_an_error_ends_the_command_before_any_job_is_submitted(site: Site) -> None:
    site.write("mine.py", "\nimport nowhere\n")
    site.edit(CONFIG, "searches:\n", "extensions: [mine.py]\nsearches:\n")
    process = site.start("--", TEST)
    assert process.wait() != 0
    assert "error: extensions: mine.py:2: ModuleNotFoundError: No module named 'nowhere'" in process.said()
    assert "submitted" not in process.said()
