"""Accept finished results after a change of code that cannot have changed them.

Snakemake would make them anew, since the code of their steps differs. Where nothing else differs (no setting, no input,
no missing file) they are marked as up to date instead, and their provenance says when, under which commit and why.
The next run makes tables and figures anew, since they are cheap, and tables show this provenance.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pdarts.engine import step
from pdarts.engine.provenance import code_version, now
from pdarts.errors import InputError
from pdarts.paths import REHEARSAL, TRACE
from pdarts.tools.results.annotations import note, rehearsed
from pdarts.tools.workflow import DRY_RUN, Job, add_config, config_of, outdated, parse, recorded, snakemake

FILES_ALONE = ("--rerun-triggers", "input", "mtime")
"""Rerun triggers without params, which hold code and settings; settings are compared in the commands instead."""
RESULTS = (".json", ".jsonl", ".pt")
"""Suffixes of computed results; all other files are made from these, and so are traces."""


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--target", required=True, nargs="*", help="targets or result files to accept, such as demo")
    parser.add_argument("--reason", required=True, help="why the change cannot have changed a result")
    add_config(parser)
    arguments = parser.parse_args()
    targets, reason = arguments.target, arguments.reason.strip()
    if not all(targets) or not targets:
        raise InputError("no target is named; name one, such as demo, or a result file")
    if not reason:
        raise InputError("--reason is empty; say why the change cannot have changed a result")
    config = config_of(arguments)
    summary = snakemake(*config, *FILES_ALONE, "--detailed-summary", "--", *targets)
    planned = parse(snakemake(*config, *DRY_RUN, "--", *targets), set())
    invalid = sorted({*_outdated(summary), *_set_otherwise(planned, recorded(summary))})
    _refuse_rehearsed(invalid)
    if invalid:
        listed = "\n  ".join(map(str, invalid))
        raise InputError(
            f"{' '.join(targets)}: more than code has changed, or results are missing; run it, or accept a finished "
            f"target. Whatever the code, these would be made anew:\n  {listed}"
        )
    stale = _outdated(snakemake(*config, "--summary", "--", *targets))
    if not stale:
        print(f"{' '.join(targets)}: nothing to accept, since no result would be made anew")
        return
    _refuse_rehearsed(stale)
    entry = {"when": now().isoformat(timespec="seconds"), "reason": reason, **code_version()}
    touch = (*config, "--touch", "--", *map(str, stale))
    snakemake(*touch)  # fails before anything is written where another run holds the lock
    for path in stale:
        note(path, "accepted", entry)
    snakemake(*touch)
    print("accepted as they are:", *stale, sep="\n  ")


def _refuse_rehearsed(results: list[Path]) -> None:
    """Refuse results of a rehearsal, unless this is one.

    Raises:
        InputError: naming the first such file.
    """
    if REHEARSAL.exists():
        return
    for path in results:
        if path.exists() and rehearsed(path):
            raise InputError(f"{path} was made in a rehearsal, so it is not a result; delete it and run its target")


def _set_otherwise(planned: list[Job], commands: Mapping[Path, Job]) -> Iterator[Path]:
    """Yield results that other settings made than the present ones; settings of the machine do not count."""
    for job in planned:
        for path in job.outputs:
            made = commands.get(path)
            if made is not None and _computed(path) and made.told() != job.told():
                yield path


def _outdated(summary: str) -> list[Path]:
    """List results that are missing or would be made anew, as `snakemake --summary` says."""
    return sorted(path for path in outdated(summary) if _computed(path))


def _computed(path: Path) -> bool:
    return path.suffix in RESULTS and path.name != Path(TRACE).name


if __name__ == "__main__":
    step.run(main)
