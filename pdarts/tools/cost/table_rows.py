"""Jobs that each row of a table waits for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from pdarts import paths
from pdarts.checking import parse_argument
from pdarts.reporting.table_files import TableFiles
from pdarts.tools.workflow import Job, needed


def waited_for(found: Sequence[Job], makers: Mapping[Path, Job]) -> dict[tuple[str, str], set[Job]]:
    """Find all jobs behind each row, by its architecture and table; behind each training, if there is no table."""
    tables = [job for job in found if job.step == "report" and "partial" not in job.options]
    tests: dict[tuple[str, str], set[Job]] = defaultdict(set)
    for table in tables:
        for row in parse_argument(TableFiles, table.options["table"][0], "--table").rows:
            for runs in (*row.runs.values(), *row.searches.values()):
                tests[row.architecture, table.outputs[0].stem] |= {makers[path] for path in runs.files(paths.TEST)}
    if not tables:
        for job in found:
            if job.step == "test":
                tests[job.experiment, ""].add(job)
    return {row: set().union(*(_behind(test, makers) for test in made)) for row, made in tests.items()}


def _behind(job: Job, makers: Mapping[Path, Job]) -> set[Job]:
    """Find all jobs that a job needs, directly or not, and the job itself."""
    found, waiting = {job}, [job]
    while waiting:
        for maker in needed(waiting.pop(), makers):
            if maker not in found:
                found.add(maker)
                waiting.append(maker)
    return found
