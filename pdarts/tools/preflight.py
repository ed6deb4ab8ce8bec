"""Ask a SLURM site, in seconds, whether a target's jobs can run there; say what is wrong and what to set.

    python -m pdarts.tools.preflight --target paper

SLURM is asked about every request without running a job, and a job of some seconds checks from a node of each partition
that it sees this folder, the environment and the data. Nothing is changed, and it can be called during a run.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pdarts.engine import step
from pdarts.errors import counted
from pdarts.tools.cluster.site import checks
from pdarts.tools.cluster.slurm import Finding, read_profile, requests
from pdarts.tools.declared import read_project
from pdarts.tools.workflow import add_config, add_target, config_of, jobs


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    add_target(parser)
    parser.add_argument("--profile", type=Path, default=Path("profiles/slurm"), help="folder (default: profiles/slurm)")
    add_config(parser)
    arguments = parser.parse_args()
    config = read_project(arguments.configfile, arguments.config)
    profile = read_profile(arguments.profile)
    pending = jobs(arguments.target, config_of(arguments))
    asked = requests(pending, config, profile)
    again = requests(pending, config, profile, attempt=2) if profile.get("retries") else []
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda check: check(), checks(asked, again, config, profile))
        found = [finding for answer in answers for finding in answer]
    print(*map(_line, found), sep="\n")
    problems = [finding for finding in found if finding.good is False]
    if problems:
        where = f"{arguments.profile}/config.yaml describes the site, and config.yaml the data"
        sys.exit(f"{counted(len(problems), 'problem')} to mend first; {where}")


def _line(finding: Finding) -> str:
    label = {True: "ok", False: "PROBLEM", None: "unknown"}[finding.good]
    return f"{label:8} {finding.text}"


if __name__ == "__main__":
    step.run(main)
