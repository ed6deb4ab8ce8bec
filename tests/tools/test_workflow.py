"""Jobs as a dry run and a summary tell of them."""

from pathlib import Path

import pytest

from pdarts.errors import InputError
from pdarts.tools.workflow import jobs, makers, needed, outdated, parse

DRY_RUN = """
Job 3: Search digits, seed 0: stage 2
Reason: Missing output files: results/s/stage2.json
Shell command: # code 5d1f24f680b8a911
python -m pdarts.search --data results/data/d.json --stage 2 --previous results/s/stage1.json \
--settings '{"cells": 3}' --output results/s/stage2.json --metrics results/s/stage2.metrics.jsonl \
2> >(tee results/logs/s.log >&2)

Job 1: Draw the curves
Shell command: # code 25da8a2bb5c29f4b
python -m pdarts.curves --title 'Search s, seed 0' --stages results/s/stage1.json results/s/stage2.json \
--metrics results/s/stage2.metrics.jsonl --output results/s/curves.svg 2> >(tee results/logs/c.log >&2)

Job 2: Set the table
Shell command: # code 25da8a2bb5c29f4c
python -m pdarts.report --table '{"rows": []}' --output-stem results/t

rule demo:
    jobid: 0
Shell command: None
"""
SUMMARY = (
    "output_file\tdate\trule\tlog-file(s)\tstatus\tplan\n"
    "results/s/stage2.json\t-\tsearch\t-\tmissing\tupdate pending\n"
    "results/s/stage1.json\tMon\tsearch\t-\tok\tno update\n"
    "results/s/curves.svg\tMon\tcurves\t-\tok\tno update\n"
)


def test_a_job_is_what_its_command_says() -> None:
    search, curves, report = parse(DRY_RUN, outdated(SUMMARY))
    assert (search.step, search.code, search.option("stage")) == ("search", "5d1f24f680b8a911", "2")
    assert search.settings() == {"cells": 3}
    assert search.outputs == (Path("results/s/stage2.json"), Path("results/s/stage2.metrics.jsonl"))
    assert curves.outputs == (Path("results/s/curves.svg"),)
    assert curves.option("title") == "Search s, seed 0"
    assert len(report.outputs) == 4


def test_an_export_writes_forms_of_a_network_and_no_table() -> None:
    call = "python -m pdarts.export --weights w.pt --output-stem n 2> >(tee l >&2)"
    said = f"Shell command: # code 5d1f24f680b8a911\n{call}\n"
    (export,) = parse(said, {Path("n.onnx")})
    assert export.outputs == (Path("n.onnx"), Path("n.pt2"), Path("n.safetensors"))
    assert export.pending


def test_pending_is_what_would_be_made_anew() -> None:
    assert [job.pending for job in parse(DRY_RUN, outdated(SUMMARY))] == [True, False, False]


def test_a_job_needs_the_makers_of_what_it_reads() -> None:
    found = parse(DRY_RUN, set())
    assert set(needed(found[1], makers(found))) == {found[0]}
    assert set(needed(found[0], makers(found))) == set()


def test_a_job_that_runs_no_step_is_an_error() -> None:
    with pytest.raises(InputError, match="1 of 4 jobs run no step"):
        parse(DRY_RUN + "\nShell command: touch results/x\n", set())


@pytest.mark.parametrize("targets", [[], [""]])
def test_no_target_is_refused(targets: list[str]) -> None:
    with pytest.raises(InputError, match="no target is named; name one, such as demo"):
        jobs(targets)
