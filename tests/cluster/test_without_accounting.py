"""A SLURM without a database: sacct knows nothing. Last, since the daemons start anew for it."""

import pytest

from tests.cluster.site import GENOTYPE, PROFILE, Site
from tests.cluster.test_preflight import preflight

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("no_accounting")]


def test_a_cluster_without_accounting_needs_squeue(site: Site) -> None:
    said = preflight(site)[1]
    assert "Set slurm-status-command: squeue" in said
    assert "slurm_account is 'lab'; sacctmgr lists none of yours: leave it out" in said
    site.edit(PROFILE, "  slurm_account: lab\n", "")
    site.edit(PROFILE, "# slurm-status-command: squeue", "slurm-status-command: squeue")
    code, said = preflight(site)
    assert code == 0, said
    assert "squeue remembers jobs for 600 s" in said


def test_without_accounting_squeue_tells_what_became_of_jobs(site: Site, undisturbed: Site) -> None:
    site.edit(PROFILE, "  slurm_account: lab\n", "")
    site.edit(PROFILE, "# slurm-status-command: squeue", "slurm-status-command: squeue")
    site.finish("--", GENOTYPE)
    assert site.read(GENOTYPE) == undisturbed.read(GENOTYPE)
