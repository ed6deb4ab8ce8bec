"""List which results of two commits are equal bit for bit, and which differ, but for measured times and provenance.

python -m benchmarks.moved --base main --other .     makes the demo and the short rehearsal of both, by turns
python -m benchmarks.moved FOLDER FOLDER             compares two results folders that are there

Ends with status 1 if a result differs or only one side has it. What a result was asked for (`settings`) may be told
otherwise, by other keys or values; that is listed apart and counts as no difference.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.moved.commits import BACKENDS, SHORT, TARGETS, WORKING_TREE, commit_of, dirty, made
from benchmarks.moved.folders import compare, recorded, told


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="two, such as results and elsewhere")
    parser.add_argument("--base", metavar="REV", help="commit to compare with")
    parser.add_argument(
        "--other", default="HEAD", metavar="REV", help="commit to compare, . for the working tree as it is"
    )
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS), help="what to make")
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS), help="what computes it")
    parser.add_argument("--keep", type=Path, default=Path("results/moved"), metavar="FOLDER", help="where results stay")
    arguments = parser.parse_args()
    if len(arguments.folders) == 2 and not arguments.base:
        missing = [str(folder) for folder in arguments.folders if not folder.is_dir()]
        if missing:
            parser.error(f"{' and '.join(missing)}: no such folder; name two folders of results")
        sys.exit(shown(arguments.folders, ("first", "second")))
    if arguments.folders or not arguments.base:
        parser.error("name a commit with --base (make moved BASE=REV), or two folders of results and no commit")
    sys.exit(of_commits(arguments))


def of_commits(arguments: argparse.Namespace) -> bool:
    """Make and compare all that is asked for; whether anything moved."""
    base, other = commit_of(arguments.base), commit_of(arguments.other)
    print(f"base is {arguments.base}, {base[:SHORT]}; other is {arguments.other}, {other[:SHORT]}")
    if arguments.other != WORKING_TREE and dirty():
        print("uncommitted changes are left out; --other . (make moved OTHER=.) takes them in")
    kept = arguments.keep / base[:SHORT], arguments.keep / (other[:SHORT] + ("-again" if other == base else ""))
    moved = False
    for backend in arguments.backends:
        for target in arguments.targets:
            sides = [made(commit, target, backend, folder) for commit, folder in zip((base, other), kept, strict=True)]
            print(f"\nmake {target} with {backend}")
            moved |= shown(sides, ("base", "other"))
    return moved


def shown(folders: Sequence[Path], names: Sequence[str]) -> bool:
    """Compare two folders of results, or what has such folders, and print what is found; whether anything moved."""
    one, other = (folder / "results" if (folder / "results").is_dir() else folder for folder in folders)
    for name, folder in zip(names, (one, other), strict=True):
        by, commits = (sorted(recorded(folder, key)) for key in ("kernels", "commit"))
        print(f"{name}: {folder}, of {', '.join(commit[:SHORT] for commit in commits)}, computed by {', '.join(by)}")
    comparison = compare(one, other)
    print(*told(comparison, *names), sep="\n", flush=True)
    return comparison.moved


if __name__ == "__main__":
    main()
