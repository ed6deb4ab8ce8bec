"""What needs a warning is said from the records of the results, once each."""

from dataclasses import replace
from pathlib import Path

from pdarts.checking import parse
from pdarts.reporting.notes import notes
from pdarts.reporting.result_files import Provenance
from tests.reporting.examples import provenance, read, row, write_stage, write_test


def test_alike_results_need_no_notes(tmp_path: Path) -> None:
    assert notes([read(row(tmp_path, [97.0, 98.0], searches=2))]) == []


def test_mixed_devices_commits_and_versions_are_noted_with_their_steps(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0], searches=1)
    other = provenance(device="Apple M3", commit="b" * 40, torch="2.13.0")
    write_stage(tmp_path / "search/seed0/stage3.json", 3, provenance=other)
    assert notes([read(files)]) == [
        "Mixed devices: AMD EPYC 7B13, 1 thread (search, train, test); Apple M3, 1 thread (search). "
        "Within single numbers (‡): P-DARTS.",
        f"Mixed commits: 4f1d2c9a7b3e (search, train, test); {'b' * 12} (search). Within single numbers (‡): P-DARTS.",
        "Mixed versions of torch: 2.14.1 (search, train, test); 2.13.0 (search). Within single numbers (‡): P-DARTS.",
    ]


def test_numbers_that_are_alike_in_themselves_are_not_called_mixed(tmp_path: Path) -> None:
    one, other = row(tmp_path / "a", [97.0], architecture="A"), row(tmp_path / "b", [97.0], architecture="B")
    newer = provenance(torch="2.15.0")
    write_test(tmp_path / "b/seed0/test.json", 97.0, provenance=newer, training_provenance=newer)
    assert notes([read(one), read(other)]) == ["Mixed versions of torch: 2.14.1 (train, test); 2.15.0 (train, test)."]


def test_changed_and_unknown_code_is_noted(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    write_test(tmp_path / "seed1/test.json", 98.0, provenance=provenance(clean=False))
    assert notes([read(files)]) == ["The code had uncommitted changes when 1 of 4 results was made."]
    for seed in (0, 1):
        write_test(
            tmp_path / f"seed{seed}/test.json",
            98.0,
            provenance=provenance(commit=None, clean=None),
            training_provenance=provenance(commit=None),
        )
    assert notes([read(files)]) == ["The commit of the code is unknown for 4 of 4 results."]
    single = read(row(tmp_path / "single", [97.0]))
    (key, _), *_ = single.records.items()
    unknown = parse(Provenance, provenance(commit=None), "provenance")
    assert notes([replace(single, records={key: (unknown, 1.0)})]) == [
        "The commit of the code is unknown for 1 of 1 result."
    ]


def test_accepted_results_are_noted_with_the_reason(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0], searches=1)
    accepted = provenance(accepted=[{"commit": "c" * 40, "when": "2026-12-01", "reason": "renamed a variable"}])
    for stage in (1, 2):
        write_stage(tmp_path / f"search/seed0/stage{stage}.json", stage, provenance=accepted)
    assert notes([read(files)]) == [
        "Accepted after a change of the code, not computed anew: 2 results "
        "(commit cccccccccccc, 2026-12-01: renamed a variable)."
    ]


def test_results_of_another_machine_are_noted_with_their_origin(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0])
    brought = [{"when": "2026-12-01T10:00:00+00:00", "from": "/mnt/cluster/results"}]
    write_test(tmp_path / "seed0/test.json", 97.0, training_provenance=provenance(brought=brought))
    assert notes([read(files)]) == [
        "Brought in from another machine, not computed here: 1 result (/mnt/cluster/results, 2026-12-01)."
    ]
    brought[0]["reason"] = "an unused constant"
    write_test(tmp_path / "seed0/test.json", 97.0, training_provenance=provenance(brought=brought))
    assert "2026-12-01, made by other code: an unused constant)" in notes([read(files)])[0]


def test_a_result_that_two_rows_share_counts_once(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0])
    write_test(tmp_path / "seed0/test.json", 97.0, provenance=provenance(clean=False))
    assert notes([read(files), read(files)]) == ["The code had uncommitted changes when 1 of 2 results was made."]
