"""Makes targets of the Makefile in checkouts of their own, one commit after the other."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.moved.folders import recorded

ROOT = Path(__file__).parents[2]

TARGETS = {"demo": Path("results"), "rehearsal-short": Path("rehearsal", "results")}
"""Where the results of a target of the Makefile lie."""

BACKENDS = {"kernels": {}, "torch": {"CXX": "false"}}
"""What computes: the CPU kernels, or without a compiler for them plain PyTorch."""

WORKING_TREE = "."
SHORT = 12
"""Digits of a commit."""


def commit_of(revision: str) -> str:
    """The commit that a revision names; for `.` one of the working tree as it is, which no branch knows."""
    if revision == WORKING_TREE:
        return _commit_of_working_tree()
    return git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")


def dirty() -> bool:
    """Whether the working tree has changes that are not committed."""
    return git("status", "--porcelain") != ""


def _commit_of_working_tree() -> str:
    """With files that are not added yet, but for ignored ones; the same content gives the same commit."""
    with TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        git("read-tree", "HEAD", **index)
        git("add", "--all", **index)
        tree = git("write-tree", **index)
    if tree == git("rev-parse", "HEAD^{tree}"):
        return git("rev-parse", "HEAD")
    identity = {"NAME": "working tree", "EMAIL": "", "DATE": "2000-01-01T00:00:00Z"}
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in identity.items()}
    return git("commit-tree", tree, "-p", "HEAD", "-m", "The working tree as it was", **who)


def git(*arguments: str, **environment: str) -> str:
    """What git prints about the checkout that this file lies in.

    Raises:
        SystemExit: if git fails, with what it says.
    """
    command = ["git", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"error: {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


def made(commit: str, target: str, backend: str, kept: Path) -> Path:
    """The results of a target at a commit, made unless they are there.

    Args:
        commit: its hash.
        target: one of `TARGETS`.
        backend: one of `BACKENDS`.
        kept: folder for results, which stay, and what was printed.

    Raises:
        SystemExit: if the target fails, or other code ran than the commit's.
    """
    results = kept / f"{target}-{backend}"
    if results.exists():
        print(f"{results} is there from before; remove it to have it made anew", file=sys.stderr)
        return results
    kept.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with checkout(commit, kept) as tree, (log := kept / f"{target}-{backend}.log").open("w") as printed:
        print(f"{commit[:SHORT]}: make {target} with {backend}, printed to {log} …", file=sys.stderr)
        command = ["make", f"VENV={sys.prefix}", f"--old-file={sys.prefix}/.runtime", target]
        done = subprocess.run(
            command, cwd=tree, env=environment(tree, backend), stdout=printed, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            sys.exit(f"error: make {target} failed at {commit[:SHORT]}; {log} says why")
        found = tree / TARGETS[target]
        if recorded(found, "commit") != {commit}:
            sys.exit(f"error: {log}: not the code of {commit[:SHORT]} ran, but of {recorded(found, 'commit')}")
        found.rename(results)
    print(f"{commit[:SHORT]}: took {(time.monotonic() - started) / 60:.1f} min", file=sys.stderr)
    return results


@contextmanager
def checkout(commit: str, folder: Path) -> Iterator[Path]:
    """A worktree of a commit in a folder, for a while."""
    with TemporaryDirectory(dir=folder, prefix="checkout-") as parent:
        tree = Path(parent).resolve() / "tree"
        git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def environment(tree: Path, backend: str) -> dict[str, str]:
    """The code of a checkout before any that is installed, and a CPU, where results are the same bit for bit."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    chosen = {"PYTHONPATH": str(tree), "CUDA_VISIBLE_DEVICES": "", "SLURM_CONF": "/dev/null"}
    return inherited | chosen | BACKENDS[backend]
