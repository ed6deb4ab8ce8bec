"""A copy of the project with a small workflow of its own, for tests that edit it and run Snakemake in it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import warm

PROJECT = Path(__file__).parents[2]
CONFIG = "tiny.yaml"
TARGET = "results/tables/tiny.md"
RESULTS = ("results/data", "results/search", "results/train", "results/tables")
LOGS = "results/logs"
NOTHING = "Nothing to be done (all requested files are present and up to date)"

SEARCH = {"search/tiny/seed0/stage1", "search/tiny/seed0/stage2", "search/tiny/seed0/stage3"}
TRACE = {"search/tiny/seed0/trace"}
SEARCH_CURVES = {"search/tiny/seed0/curves"}
TEST = {"train/tiny/seed0/test"}
TRAINING_CURVES = {"train/tiny/curves"}
DRAW = {"train/tiny/seed0/draw"}
REPORT = {"tables/tiny"}
DERIVE_AND_LATER = {"search/tiny/seed0/derive", "train/tiny/seed0/train"} | TEST | TRAINING_CURVES | DRAW | REPORT
ALL = {"prepare/tiny"} | SEARCH | TRACE | SEARCH_CURVES | DERIVE_AND_LATER


@dataclass(frozen=True)
class Tree:
    """A folder that holds the project; every job is called by the name of its log, which no two jobs share."""

    root: Path

    @classmethod
    def of_project(cls, root: Path) -> "Tree":
        """The files that are, or would be, under version control, and the configuration of the small workflow."""
        for name in project_files():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, root / name)
        shutil.copy2(Path(__file__).with_name(CONFIG), root / CONFIG)
        return cls(root)

    def copy(self, root: Path) -> "Tree":
        """The same files with the same times elsewhere, results and Snakemake's records among them."""
        shutil.copytree(self.root, root, symlinks=True, dirs_exist_ok=True)
        return Tree(root)

    def python(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `python ARGUMENTS` in the tree, with `settings` added to the environment; output in one stream."""
        return subprocess.run(
            [warm.python(), *arguments],
            cwd=self.root,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What a user types; without `--` among the arguments the target is the table."""
        target = () if "--" in arguments else ("--", TARGET)
        return self.python("-m", "snakemake", "--configfile", CONFIG, *arguments, *target)

    def run(self, *arguments: str) -> set[str]:
        """Run the workflow to its end; the jobs that ran."""
        before = self._logs()
        done = self.snakemake(*arguments)
        assert done.returncode == 0, done.stdout
        ran = {job for job, written in self._logs().items() if before.get(job) != written}
        counted = re.findall(r"^(\d+) of \1 steps \(100%\) done", done.stdout, re.MULTILINE) or ["0"]
        assert [str(len(ran))] == counted, done.stdout
        assert ran or NOTHING in done.stdout
        return ran

    def planned(self) -> dict[str, int]:
        """How many jobs of every rule a run would have."""
        done = self.snakemake("--dry-run")
        assert done.returncode == 0, done.stdout
        if NOTHING in done.stdout:
            return {}
        table = done.stdout.split("Job stats:\n", 1)[1].split("\n\n", 1)[0]
        counts = re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)
        return {rule: int(count) for rule, count in counts if rule != "total"}

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace what stands exactly once in a file."""
        text = self.read(name)
        assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
        self.write(name, text.replace(old, new))

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def results(self) -> dict[str, bytes]:
        """Content of every result by its path."""
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in self._files(*RESULTS)}

    def stamps(self) -> dict[Path, int]:
        """When each result, each log of a job and each of Snakemake's records was written."""
        return {path: path.stat().st_mtime_ns for path in self._files(*RESULTS, LOGS, ".snakemake/metadata")}

    def _logs(self) -> dict[str, int]:
        logs = {path.relative_to(self.root / LOGS).with_suffix(""): path.stat() for path in self._files(LOGS)}
        return {name.as_posix(): stat.st_mtime_ns for name, stat in logs.items()}

    def _files(self, *folders: str) -> Iterator[Path]:
        return (path for folder in folders for path in (self.root / folder).rglob("*") if path.is_file())


def project_files() -> list[str]:
    """Paths of the project's own files: those that are, or would be, under version control."""
    listing = ["git", "-C", PROJECT, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    if shutil.which("git") and (done := subprocess.run(listing, capture_output=True, text=True, check=False)).stdout:
        return [name for name in done.stdout.split("\0") if (PROJECT / name).is_file()]
    made = {"results", "rehearsal", "data", "build"}
    top = [path for path in PROJECT.iterdir() if not (path.is_dir() and (path.name[0] == "." or path.name in made))]
    files = [file for path in top for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    return [str(file.relative_to(PROJECT)) for file in files if file.suffix != ".pyc"]
