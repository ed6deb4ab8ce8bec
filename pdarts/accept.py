"""Accept finished results after a change of code that cannot have changed them.

Snakemake would make them anew, since the code of their steps differs. Where nothing else does (no setting, no input,
no missing file) they are marked as up to date instead, and their provenance says when, under which commit and why.
Tables and figures are cheap: the next run makes them anew, and the tables repeat it.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from pdarts.engine import files, step
from pdarts.engine.provenance import code_version, now
from pdarts.errors import InputError
from pdarts.nets import saved

ALL_BUT_CODE = ("--rerun-triggers", "input", "mtime", "params", "software-env")
RESULTS = (".json", ".jsonl", ".pt")
"""Suffixes of what steps compute; all else is made of these."""


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--target", required=True, help="target or result file whose results to accept, such as demo")
    parser.add_argument("--reason", required=True, help="why the change cannot have changed a result")
    parser.add_argument(
        "--configfile", nargs="+", default=[], metavar="FILE.yaml", help="your own settings, as for snakemake"
    )
    arguments = parser.parse_args()
    target, reason = arguments.target, arguments.reason.strip()
    if not reason:
        raise InputError("--reason is empty; say why the change cannot have changed a result")
    config = ["--configfile", *arguments.configfile] if arguments.configfile else []
    if invalid := _outdated(_snakemake(*config, *ALL_BUT_CODE, "--summary", "--", target)):
        listed = "\n  ".join(map(str, invalid))
        raise InputError(
            f"{target}: more than code has changed, or results are missing; run it, or accept a finished target. "
            f"Whatever the code, these would be made anew:\n  {listed}"
        )
    outdated = _outdated(_snakemake(*config, "--summary", "--", target))
    if not outdated:
        print(f"{target}: nothing to accept, since no result would be made anew")
        return
    entry = {"when": now().isoformat(timespec="seconds"), "reason": reason, **code_version()}
    touch = (*config, "--touch", "--", *map(str, outdated))
    _snakemake(*touch)  # fails before anything is written where another run holds the lock
    for path in outdated:
        _note(path, entry)
    _snakemake(*touch)
    print("accepted as they are:", *outdated, sep="\n  ")


def _outdated(summary: str) -> list[Path]:
    """Results that are missing or would be made anew, of what `snakemake --summary` says: path, …, status, plan."""
    rows = [line.split("\t") for line in summary.splitlines() if "\t" in line]
    outdated = [row[0] for row in rows if row[-1] == "update pending" or row[-2] == "missing"]
    return sorted(Path(path) for path in outdated if path.endswith(RESULTS))


def _note(path: Path, entry: dict[str, Any]) -> None:
    """Add `entry` to the provenance in a result, if it holds one; a test repeats that of its training."""
    if path.suffix == ".pt":
        content = saved.load(path)
        _accept(content["provenance"], entry)
        files.write_bytes(path, saved.dump(content))
        _note_json(path.with_name("test.json"), "training_provenance", entry)
    elif path.suffix == ".json":
        _note_json(path, "provenance", entry)


def _note_json(path: Path, key: str, entry: dict[str, Any]) -> None:
    if path.exists() and key in (result := files.read_json(path, "result", "the step that wrote it")):
        _accept(result[key], entry)
        files.write_json(path, result)


def _accept(provenance: dict[str, Any], entry: dict[str, Any]) -> None:
    provenance["accepted"] = [*provenance.get("accepted", []), entry]


def _snakemake(*arguments: str) -> str:
    """What Snakemake prints.

    Raises:
        InputError: if it fails.
    """
    command = [sys.executable, "-m", "snakemake", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise InputError(f"snakemake {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    step.run(main)
