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

UP_TO_DATE = "Nothing to be done"
ALL_BUT_CODE = ("input", "mtime", "params", "software-env")
RESULTS = (".json", ".jsonl", ".pt")
"""Suffixes of what steps compute; all else is made of these."""


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    parser.add_argument("--target", required=True, help="target or result file whose results to accept, such as demo")
    parser.add_argument("--reason", required=True, help="why the change cannot have changed a result")
    arguments = parser.parse_args()
    target, reason = arguments.target, arguments.reason.strip()
    if not reason:
        raise InputError("--reason is empty; say why the change cannot have changed a result")
    plan = _snakemake(target, "--dry-run", "--rerun-triggers", *ALL_BUT_CODE)
    if UP_TO_DATE not in plan:
        raise InputError(
            f"{target}: more than code has changed, or results are missing. Run it first, or accept a result that is "
            f"finished. What Snakemake would do whatever the code:\n{plan}"
        )
    changed = {Path(line) for line in _snakemake(target, "--list-changes", "code").splitlines() if _is_result(line)}
    if not changed:
        print(f"{target}: no code has changed since its results were made; nothing to accept")
        return
    entry = {"when": now().isoformat(timespec="seconds"), "reason": reason, **code_version()}
    for path in changed:
        if path.suffix == ".pt":
            _note(path.with_name("test.json"), "training_provenance", entry)
        elif path.suffix == ".json":
            _note(path, "provenance", entry)
    made = (line.partition("\t")[0] for line in _snakemake(target, "--summary").splitlines())
    _snakemake(*filter(_is_result, made), "--touch")
    print("accepted as they are:", *sorted(map(str, changed)), sep="\n  ")


def _is_result(line: str) -> bool:
    return line.startswith("results/") and line.endswith(RESULTS)


def _note(path: Path, key: str, entry: dict[str, Any]) -> None:
    """Add `entry` to the provenance in a result, if it holds one."""
    if path.exists() and key in (result := files.read_json(path, "result", "the step that wrote it")):
        result[key]["accepted"] = [*result[key].get("accepted", []), entry]
        files.write_json(path, result)


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
