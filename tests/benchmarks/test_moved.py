"""What `make moved` finds to be equal, and what it finds to differ."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.moved import __main__ as moved
from benchmarks.moved import commits
from benchmarks.moved.files import untimed
from benchmarks.moved.folders import Comparison, compare, told

GENOTYPE = {"normal": [["skip_connect", 0], ["sep_conv_3x3", 1]], "normal_concat": [2, 3, 4, 5]}
PAGE = (
    '<td class="number">{time}</td><svg viewBox="0 0 9 9"><path d="M9 4 h 5 s"/></svg>'
    "<td>pdarts 0.1.0, commit {commit}, clean</td><td>{started}</td>\n"
)


def results(folder: Path, seconds: float, time: str, commit: str, started: str) -> Path:
    """A few results, with times and an origin of their own."""
    measured = {"seconds": seconds, "provenance": {"commit": commit, "kernels": "pdarts"}}
    of_training = {"training_seconds": seconds, "training_provenance": {"commit": commit}}
    settings = {"recipe": {"cells": 5}}
    state = {"stem.weight": torch.tensor([[0.5, 1.0], [2.0, 3.0]]), "alphas": torch.tensor(1.0).double()}
    columns = f"architecture,top1,search_seconds,paper_search_gpu_days\nmine,98.2,{seconds},0.3\n"
    texts = {
        "train/mine/test.json": json.dumps(
            {"top1": 98.2, "settings": settings, "genotype": GENOTYPE} | measured | of_training
        ),
        "train/mine/metrics.jsonl": json.dumps({"epoch": 1, "train_loss": 0.1, "seconds": seconds}) + "\n",
        "search/mine/genotype.json": json.dumps(GENOTYPE),
        "tables/mine.md": f"| Accuracy | {'Search':>{len(time)}} |\n| --: | {'-' * len(time)}: |\n| 98.20 | {time} |\n",
        "tables/mine.csv": columns,
        "tables/mine.tex": f"98.20 & {time.replace(' ', '~')} \\\\\n",
        "tables/mine.html": PAGE.format(time=time, commit=commit, started=started),
        "logs/mine.log": time,
        "report.html": time,
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    torch.save({"network": {"cells": 5}, "state": state} | measured, folder / "train/mine/weights.pt")
    return folder


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Results equal but for times and origin."""
    return (
        results(tmp_path / "one", 5.25, "65 s", "20295aabcb02", "2026-01-01 10:00 to 2026-01-01 10:03"),
        results(tmp_path / "other", 615.0, "11 min", "1234567890ab", "2026-01-02 23:59"),
    )


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def edit_weights(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


def first_difference(comparison: Comparison) -> tuple[str, str, str]:
    """The only file that differs, where, and how."""
    ((path, (first, *_)),) = comparison.differ.items()
    assert not comparison.one_alone
    assert not comparison.other_alone
    return str(path), first.where, first.how


def test_times_and_provenance_are_no_difference(pair: tuple[Path, Path]) -> None:
    comparison = compare(*pair)
    assert not comparison.moved
    assert len(comparison.equal) == 8
    assert not comparison.settings


@pytest.mark.parametrize(
    ("name", "old", "new", "where", "how"),
    [
        ("train/mine/test.json", "98.2", "98.20000000000002", "top1", "98.2 | 98.20000000000002"),
        ("train/mine/test.json", '"top1": 98.2, ', "", "top1", "98.2 | absent"),
        ("train/mine/metrics.jsonl", "0.1", "0.2", "line 1.train_loss", "0.1 | 0.2"),
        ("train/mine/metrics.jsonl", "}\n", "}\n{}\n", "line 2", "absent | {}"),
        ("search/mine/genotype.json", '"sep_conv_3x3", 1', '"sep_conv_3x3", 0', "normal[1][1]", "1 | 0"),
        ("tables/mine.csv", "98.2", "98.3", "row 1.top1", "'98.2' | '98.3'"),
        ("tables/mine.csv", "0.3", "0.4", "row 1.paper_search_gpu_days", "'0.3' | '0.4'"),
        ("tables/mine.md", "98.20", "98.21", "line 3", "'| 98.20 | (time) |' | '| 98.21 | (time) |'"),
        ("tables/mine.tex", "98.20", "98.21", "line 1", r"'98.20 & (time) \\\\' | '98.21 & (time) \\\\'"),
        ("tables/mine.html", "h 5 s", "h 6 s", "line 1", '<path d="M9 4 h 5 s"/></svg><td>pdarts 0.1.0, (origin)<'),
    ],
)
def test_a_difference_in_text_is_found(
    name: str, old: str, new: str, where: str, how: str, pair: tuple[Path, Path]
) -> None:
    edit(pair[1] / name, old, new)
    found = first_difference(compare(*pair))
    assert found[:2] == (name, where)
    assert how in found[2]


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (
            lambda state: state["stem.weight"][1, 1].copy_(torch.nextafter(torch.tensor(3.0), torch.tensor(4.0))),
            "1 of 4 values differ, by 2.38e-07 at most",
        ),
        (lambda state: state["stem.weight"].sub_(torch.eye(2)), "2 of 4 values differ, by 1 at most"),
        (
            lambda state: state.update({"stem.weight": state["stem.weight"].double()}),
            "float32 of shape (2, 2) | float64 of shape (2, 2)",
        ),
        (
            lambda state: state.update({"stem.weight": state["stem.weight"].reshape(4)}),
            "float32 of shape (2, 2) | float32 of shape (4,)",
        ),
        (lambda state: state.pop("stem.weight"), "float32 of shape (2, 2) | absent"),
    ],
)
def test_a_difference_in_weights_is_found(
    change: Callable[[dict[str, Any]], object], how: str, pair: tuple[Path, Path]
) -> None:
    edit_weights(pair[1] / "train/mine/weights.pt", lambda content: change(content["state"]))
    assert first_difference(compare(*pair)) == ("train/mine/weights.pt", "state.stem.weight", how)


def test_bits_and_order_count_but_not_how_a_tensor_lies_in_memory(pair: tuple[Path, Path]) -> None:
    one, other = (folder / "train/mine/weights.pt" for folder in pair)
    for path, zero in ((one, 0.0), (other, -0.0)):
        edit_weights(
            path, lambda content, zero=zero: content.update(zero=torch.tensor(zero), nan=torch.tensor(torch.nan))
        )
    edit_weights(
        other, lambda content: content["state"].update({"stem.weight": content["state"]["stem.weight"].t().clone().t()})
    )
    assert first_difference(compare(*pair))[1:] == ("zero", "1 of 1 values differ, by 0 at most")
    edit_weights(other, lambda content: content.update(zero=torch.tensor(0.0)))
    assert not compare(*pair).moved
    edit_weights(other, lambda content: content.update(state=dict(reversed(content["state"].items()))))
    assert first_difference(compare(*pair))[1:] == ("state", "the same keys in another order")


def test_a_file_of_one_side_alone_is_found(pair: tuple[Path, Path]) -> None:
    (pair[1] / "search/mine/genotype.json").unlink()
    (pair[0] / "tables/mine.tex").unlink()
    comparison = compare(*pair)
    assert comparison.moved
    assert comparison.one_alone == (Path("search/mine/genotype.json"),)
    assert comparison.other_alone == (Path("tables/mine.tex"),)


def test_settings_are_listed_apart_and_are_no_difference(pair: tuple[Path, Path]) -> None:
    edit(pair[1] / "train/mine/test.json", '"cells": 5', '"cells": 5, "stem": "cifar"')
    comparison = compare(*pair)
    assert not comparison.moved
    (line,) = list(told(comparison, "base", "other"))[-1:]
    assert line == "  settings.recipe.stem: absent | 'cifar' (1 ×)"


@pytest.mark.parametrize("text", ["65 s", "0 s", "11 min", "2.5 h", "1,234.5 h", "8.6e-05 device-days", "65~s"])
def test_durations_are_times(text: str) -> None:
    assert untimed(text) == "(time)"


@pytest.mark.parametrize("text", ["5 searches", "3 stages", "28 px", "0.3", "1.5 M", "2 skips", "12 hours", "5 / 5"])
def test_other_numbers_are_no_times(text: str) -> None:
    assert untimed(text) == text


def test_costs_of_columns_are_the_same_whether_or_not_their_times_were() -> None:
    assert untimed("| 12 s / 13 s |") == untimed("| 12 s |")
    assert untimed("| 2 × (1 s + 2 s) / 2 × (1 s + 3 s) / 5 s |") == "| 2 × ((time) + (time)) / (time) |"
    assert untimed("| 2 × (1 s + 2 s) / 3 × (1 s + 2 s) |") != untimed("| 2 × (1 s + 2 s) |")


MAKEFILE = """demo:
\tmkdir results
\tprintf '{"top1": %s, "provenance": {"commit": "%s", "kernels": "%s"}}' \\
\t  "$$(cat number)" "$$(git rev-parse HEAD)" "$${CXX:-c++}" >results/test.json
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose demo gives the number in a file; the second commit has the same number as the first."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@b.c")
    monkeypatch.setattr(commits, "ROOT", root)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.chdir(root)
    (root / "Makefile").write_text(MAKEFILE)
    (root / ".gitignore").write_text("/results/\n")
    (root / "number").write_text("1.5")
    for command in (["init"], ["add", "."], ["commit", "-m", "One"], ["commit", "--allow-empty", "-m", "Two"]):
        subprocess.run(["git", *command], check=True, capture_output=True)
    return root


def status(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr("sys.argv", ["moved", *arguments])
    with pytest.raises(SystemExit) as ended:
        moved.main()
    return ended.value.code


def test_two_commits_are_made_and_compared(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(monkeypatch, "--base", "HEAD~1", "--targets", "demo") == 0
    printed = capsys.readouterr()
    assert "make demo with kernels" in printed.out
    assert "computed by c++\n" in printed.out
    assert "computed by false\n" in printed.out
    assert printed.out.count("equal files: 1") == 2
    assert printed.err.count("took") == 4
    worktrees = subprocess.run(["git", "worktree", "list"], check=True, capture_output=True, text=True).stdout
    assert len(worktrees.splitlines()) == 1


def test_the_working_tree_is_compared_as_it_is(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "number").write_text("1.25")
    asked = "--base", "HEAD", "--targets", "demo", "--backends", "kernels"
    assert status(monkeypatch, *asked) == 0  # the commit with itself, made twice
    printed = capsys.readouterr()
    assert "uncommitted changes are left out" in printed.out
    assert printed.err.count("took") == 2
    assert status(monkeypatch, *asked, "--other", ".") == 1
    printed = capsys.readouterr()
    assert "top1: 1.5 | 1.25" in printed.out
    assert printed.err.count("took") == 1  # HEAD's results are there
    assert (
        subprocess.run(["git", "status", "--short"], capture_output=True, text=True, check=True).stdout == " M number\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("mkdir", "false", "make demo failed"), ("$$(git rev-parse HEAD)", "installed", "but of {'installed'}")],
)
def test_what_failed_or_ran_other_code_leaves_no_results(
    old: str, new: str, message: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(repository / "Makefile", old, new)
    assert message in str(status(monkeypatch, "--base", ".", "--targets", "demo"))
    assert not list((repository / "results").rglob("demo-kernels"))


def test_what_is_not_there_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nowhere" in str(status(monkeypatch, "--base", "nowhere"))
    for arguments, message in (
        ((), "name a commit with --base"),
        (("--base", ""), "name a commit with --base"),
        (("results",), "two folders"),
        (("nothing", "results"), "nothing and results: no such folder"),
    ):
        assert status(monkeypatch, *arguments) == 2
        assert message in capsys.readouterr().err
