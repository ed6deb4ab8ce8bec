"""One SLURM for all tests of a session, and one run of the workflow that nothing disturbs, to compare with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.site import Cluster, Site, Snakemake


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.down()


@pytest.fixture(autouse=True)
def nothing_left_behind(cluster: Cluster) -> Iterator[None]:
    """A test that fails midway must not disturb the next."""
    yield
    for process in Snakemake.under_way:
        process.kill()
    Snakemake.under_way.clear()
    cluster.clear()


@pytest.fixture
def accounting(cluster: Cluster) -> None:
    """A cluster on which sacct works."""
    cluster.up(accounting=True)


@pytest.fixture
def no_accounting(cluster: Cluster) -> None:
    """A cluster on which only squeue works."""
    cluster.up(accounting=False)


@pytest.fixture(scope="session")
def undisturbed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The whole small DAG, computed by SLURM jobs; not to be changed."""
    cluster.up(accounting=True)
    site = Site.of_project(tmp_path_factory.mktemp("undisturbed"))
    site.finish("--", "results/tables/tiny.md")
    return site


@pytest.fixture
def site(undisturbed: Site, tmp_path: Path) -> Site:
    """A copy with prepared data, and nothing searched or trained yet."""
    return undisturbed.copy(tmp_path / "site")
