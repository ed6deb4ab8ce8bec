"""Check on a GPU what is right there, what repeats to the last bit, and how fast it is; ten minutes, one command.

python -m benchmarks.gpu_check --output results/gpu-check
python -m benchmarks.gpu_check --output results/gpu-check --dry: all of it at toy size on a CPU, whose times say nothing

The folder gets gpu-check.md, to paste into an issue, and gpu-check.json with all numbers, both written anew with every
line. The exit code is 0 if all that can be right or wrong is right.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.gpu.check import Check
from benchmarks.gpu.isolation import Unfinished, rows
from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.report import Report, Section, text
from pdarts.engine.device import set_up
from pdarts.errors import InputError
from pdarts.settings.machine import Machine


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for gpu-check.md and gpu-check.json")
    parser.add_argument("--limit", type=float, default=600, help="seconds for all parts together (default: 600)")
    parser.add_argument("--only", default="", help="a part of the titles of what is checked (default: all)")
    parser.add_argument("--dry", action="store_true", help="run at toy size on a CPU")
    arguments = parser.parse_args()
    parts = tuple(part for part in PARTS if arguments.only.lower() in part.title.lower())
    if not parts:
        parser.error(f"nothing to check; titles: {', '.join(part.title for part in PARTS)}")
    try:
        set_up(Machine(device="cpu" if arguments.dry else "cuda"))
    except InputError as error:
        sys.exit(f"error: this check needs a GPU, and --dry tries it on a CPU: {error}")
    title = "Check on a GPU" if not arguments.dry else "Dry run of the check on a GPU: no time and no figure counts"
    report, ends = Report(arguments.output, title, parts), time.monotonic() + arguments.limit
    with tempfile.TemporaryDirectory() as folder:
        check = Check(arguments.dry, Path(folder), sys.executable)
        report.write()
        for section in report.sections:
            if (left := ends - time.monotonic()) > 0:
                compute(section, check, left, report)
    print(report.markdown())
    if report.wrong:
        sys.exit(f"wrong, or not known: {', '.join(report.wrong)}; {arguments.output / 'gpu-check.md'} says more")


def compute(section: Section, check: Check, left: float, report: Report) -> None:
    """Fill a section, and say on standard error what it gets."""
    started = time.monotonic()
    section.unfinished = "its lines are being computed"
    try:
        for row in rows(section.part, check, min(left, section.part.seconds), section.said):
            section.rows.append(row)
            section.seconds = time.monotonic() - started
            report.write()
            shown = ", ".join(f"{key} {text(value)}" for key, value in row.items() if not isinstance(value, dict))
            print(f"{section.part.title}: {shown}", file=sys.stderr, flush=True)
    except Unfinished as reason:
        section.unfinished = str(reason)
        print(f"{section.part.title}: not all of it: {reason}", file=sys.stderr, flush=True)
    else:
        section.unfinished = None
    section.seconds = time.monotonic() - started
    report.write()


if __name__ == "__main__":
    main()
