"""What a plan and a ledger show."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pdarts.reporting.table_files import RowFiles, Runs, TableFiles
from pdarts.tools.cost.calibration import Calibration
from pdarts.tools.cost.estimates import UNKNOWN, Cost, costs
from pdarts.tools.cost.listing import ledger, plan
from pdarts.tools.workflow import Job, makers
from tests.reporting.examples import provenance, write_stage, write_test
from tests.tools.cost.examples import job, prepare_job, search_job, search_work
from tests.tools.cost.test_calibration import calibrated

CPU = "AMD EPYC 7B13, 1 thread"


def training_jobs(folder: Path, name: str, genotype: str, seed: int = 0) -> list[Job]:
    stem = f"{folder}/train/{name}/seed{seed}"
    data = f"{folder}/data/digits.json"
    weights, metrics = f"{stem}/weights.pt", f"{stem}/metrics.jsonl"
    train = job("train", data=data, genotype=genotype, settings="{}", output=weights, metrics=metrics, experiment=name)
    return [train, job("test", data=data, weights=weights, output=f"{stem}/test.json", experiment=name)]


def test_each_step_stands_once_and_a_shared_search_counts_once(tmp_path: Path) -> None:
    search = search_job(tmp_path)
    stage = str(search.path("output"))
    first, second = (training_jobs(tmp_path, name, stage) for name in ("one", "two"))
    found = [search, *first, *second, prepare_job(tmp_path)]
    cost = dict.fromkeys(found[:-1], Cost(3600.0, 2 * 10**9, 10**9, "calibrated"))
    text = plan(found, makers(found), cost, "GPU")
    assert "Device: GPU" in text
    assert text.count("search digits") == 1
    lines = [line.split() for line in text.splitlines()]
    assert ["train", "one", "train", "1", "1.0", "2.0", "GB", "1.0", "GB", "calibrated"] in lines
    assert ["one", "3", "3.0"] in lines
    assert "Total: 5 jobs, 5.0 device-hours, at most 2.0 GB of memory a process, 5.0 GB of disk." in text
    assert "Not estimated: prepare digits; seconds for small images" in text


def row_files(architecture: str, alike: Runs, *several: Runs) -> RowFiles:
    """A row with one column."""
    nothing: dict[str, Any] = {"released": {}, "paper": None, "independent": {}, "cells": (), "curves": ()}
    searches = dict(zip("a", several, strict=False))
    return RowFiles(architecture=architecture, runs={"a": alike}, searches=searches, **nothing)


def test_a_row_of_a_table_costs_all_that_its_trainings_wait_for(tmp_path: Path) -> None:
    search = search_job(tmp_path)
    first, second = (training_jobs(tmp_path, name, str(search.path("output"))) for name in ("one", "two"))
    runs = {
        name: Runs(trainings={f"{tmp_path}/train/{name}": (0,)}, dataset="digits", search=None, drawn=())
        for name in ("one", "two")
    }
    rows = (row_files("Both", runs["one"], runs["two"]), row_files("Alone", runs["two"]))
    files = TableFiles(title="Three", paper=None, columns={}, rows=rows)
    table = job("report", **{"table": files.model_dump_json(), "output-stem": "results/tables/three"})
    found = [search, *first, *second, table]
    cost = dict.fromkeys(found[:-1], Cost(3600.0, 10**9, 10**9, "calibrated"))
    lines = [line.split() for line in plan(found, makers(found), cost, "GPU").splitlines()]
    assert ["Both", "three", "5", "5.0"] in lines
    assert ["Alone", "three", "3", "3.0"] in lines
    assert lines[-1][:4] == ["1", "more", "job", "(genotypes,"]


def test_where_all_is_unknown_steps_stand_without_figures(tmp_path: Path) -> None:
    found = [search_job(tmp_path, seed, stage) for seed in (0, 1) for stage in (1, 2)]
    text = plan(found, makers(found), dict.fromkeys(found, UNKNOWN), None)
    assert ["search", "digits", "stage", "1,", "stage", "2", "4"] in [line.split() for line in text.splitlines()]
    assert "Total: 4 jobs of unknown cost" in text
    assert "Run make calibrate" in text
    assert "device-hours" not in text


def test_unknown_steps_are_said_to_be_unknown(tmp_path: Path) -> None:
    found = [search_job(tmp_path, seed=0), search_job(tmp_path, seed=1, stage=2)]
    text = plan(found, makers(found), {found[0]: Cost(36000.0, 10**9, 0, "calibrated"), found[1]: UNKNOWN}, None)
    (line,) = (line for line in text.splitlines() if "stage 2" in line)
    assert line.split()[5:] == ["unknown", "unknown", "unknown", "unknown"]
    assert "2 jobs, 10.0 + 1 unknown device-hours" in text


def test_nothing_pending_is_said(tmp_path: Path) -> None:
    found = [search_job(tmp_path, pending=False)]
    assert plan(found, makers(found), {}, "GPU").endswith("Nothing is pending.")


def finished(folder: Path, seed: int, seconds: float, device: str = "AMD EPYC 7B13", stage: int = 1) -> Job:
    done = search_job(folder, seed, stage, pending=False)
    record = provenance(device=device, device_type="cpu", memory=5 * 10**8)
    write_stage(done.path("output"), stage, seconds, settings=done.settings(), provenance=record)
    done.path("metrics").write_text("{}\n")
    return done


def test_what_was_recorded_on_the_device_goes_before_what_was_calibrated(tmp_path: Path) -> None:
    found = [finished(tmp_path, 0, 100.0), finished(tmp_path, 1, 300.0), finished(tmp_path, 2, 1.0, "other")]
    waiting = search_job(tmp_path, seed=3)
    found += [waiting, prepare_job(tmp_path)]
    recorded = costs(found, makers(found), calibrated(CPU), CPU)[waiting]
    assert (recorded.seconds, recorded.memory, recorded.source) == (200.0, 5 * 10**8, "recorded")
    calibrated_only = costs(found, makers(found), calibrated("GPU"), "GPU")[waiting]
    assert calibrated_only.source == "calibrated"
    assert costs(found, makers(found), None, None)[waiting] == UNKNOWN


def test_results_of_other_settings_say_nothing(tmp_path: Path) -> None:
    done = finished(tmp_path, 0, 100.0)
    write_stage(
        done.path("output"), settings=done.settings() | {"epochs": 99}, provenance=provenance(device_type="cpu")
    )
    waiting = search_job(tmp_path, seed=1)
    assert costs([done, waiting], makers([done, waiting]), None, CPU)[waiting] == UNKNOWN


def test_the_ledger_sets_actual_beside_planned(tmp_path: Path) -> None:
    found = [prepare_job(tmp_path), finished(tmp_path, 0, 3600.0), search_job(tmp_path, seed=1)]
    size = search_work().size
    assert size.train == 1000
    calibration = calibrated(CPU)
    text = ledger(found, makers(found), [calibration])
    # 676 of 1,352 images are 22 batches of 32: 4 s of the first step, 22 frozen, 44 moving, 22 scored
    planned = 4.0 + 22 * 1.0 + 44 * 2.0 + 22 * 0.5
    (line,) = (line for line in text.splitlines() if line.startswith("search digits"))
    assert line.split()[4:8] == ["1", f"{planned / 3600:.4f}", "1.0", f"{3600 / planned:.2f}"]
    assert line.endswith(CPU)
    assert "Total: 1 finished job, 1.0 device-hours" in text


def test_a_step_that_shared_its_gpu_took_its_share_of_the_time(tmp_path: Path) -> None:
    found = [prepare_job(tmp_path)]
    for seed, steps in ((0, 1), (1, 2)):
        done = finished(tmp_path, seed, 3600.0)
        record = provenance(device="NVIDIA H100", device_type="cuda", steps_per_gpu=steps)
        write_stage(done.path("output"), 1, 3600.0, settings=done.settings(), provenance=record)
        found.append(done)
    waiting = search_job(tmp_path, seed=2)
    found.append(waiting)
    text = ledger(found, makers(found), [])
    assert "Total: 2 finished jobs, 1.5 device-hours" in text
    assert "NVIDIA H100; NVIDIA H100, 2 steps at once" in text
    for device, seconds in (("NVIDIA H100", 3600.0), ("NVIDIA H100, 2 steps at once", 1800.0)):
        assert costs(found, makers(found), None, device)[waiting].seconds == seconds


def test_a_device_without_calibration_has_nothing_to_compare_with(tmp_path: Path) -> None:
    found = [prepare_job(tmp_path), finished(tmp_path, 0, 3600.0)]
    text = ledger(found, makers(found), [calibrated("GPU")])
    assert "no calibration of this device is there to compare with" in text
    other = Calibration(CPU, "2026-01-01T00:00:00+00:00", {})
    assert "the calibration of this device has other settings" in ledger(found, makers(found), [other])
    assert ledger([search_job(tmp_path, 5)], {}, []) == "Nothing is finished yet."


def test_a_test_tells_what_its_training_took(tmp_path: Path) -> None:
    train, tested = training_jobs(tmp_path, "one", "pdarts/genotypes/PDARTS.json")
    settings = {"dataset": {}, "recipe": {}}
    record, path = provenance(device_type="cpu"), tested.path("output")
    took = {"training_seconds": 7200.0, "seconds": 3600.0}
    write_test(path, 97.0, settings=settings, training_provenance=record, provenance=record, **took)
    for output in train.outputs:
        output.write_text("{}")
    text = ledger([train, tested], makers([train, tested]), [])
    assert [line.split()[5] for line in text.splitlines() if line.startswith("train one")] == ["2.0", "1.0"]


def test_a_plan_and_a_ledger_of_a_rehearsal_say_so_first(tmp_path: Path) -> None:
    real = finished(tmp_path, 0, 36.0)
    rehearsed = replace(real, options={**real.options, "rehearsal": ()}, pending=True)
    cost = {rehearsed: Cost(36.0, 10**9, 0, "calibrated")}
    for text in (plan([rehearsed], {}, cost, "CPU"), ledger([rehearsed], {}, [])):
        assert text.startswith("REHEARSAL at toy size")
    assert "REHEARSAL" not in ledger([real], {}, [])
