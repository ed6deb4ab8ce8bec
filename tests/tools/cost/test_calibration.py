"""From timed steps to the cost of a job."""

from pathlib import Path

import pytest

from pdarts.errors import InputError
from pdarts.tools.cost import calibration
from pdarts.tools.cost.calibration import Calibration, hardware
from pdarts.tools.cost.estimates import expected
from tests.tools.cost.examples import search_work, training_work

TIMINGS = {
    "evaluation": {"n": 5, "median": 0.5, "first": 0.6, "memory": 100},
    "weights_step": {"n": 5, "median": 1.0, "first": 5.0, "memory": 300},
    "joint_step": {"n": 5, "median": 2.0, "first": 3.0, "memory": 200},
}


def calibrated(device: str = "GPU", measured: str = "2026-01-01", **timings: dict[str, float]) -> Calibration:
    return Calibration(device, measured, {search_work().key: {"timings": {**TIMINGS, **timings}}})


def test_a_stage_costs_its_steps_and_a_slow_first_one() -> None:
    cost = expected(search_work(), "search", calibrated())
    # 500 images are 16 batches of 32; 3 epochs, 1 frozen, 1 scored
    assert cost.seconds == pytest.approx(4.0 + 16 * 1.0 + 32 * 2.0 + 16 * 0.5)
    assert cost.memory == 300 + 3 * 16**2 * 1000
    assert cost.source == "calibrated"


def test_images_that_are_kept_in_memory_count_and_those_that_are_decoded_in_every_pass_do_not() -> None:
    whole, held_out = training_work(), training_work(train_portion=0.8)
    assert (whole.images_bytes("train"), whole.images_bytes("test")) == (768 * 1000, 768 * 500)
    assert (held_out.images_bytes("train"), held_out.images_bytes("test")) == (768 * 800, 768 * 200)
    changes = {"resized_crop": [0.08, 1.0], "flip": True, "color_jitter": [0.4, 0.4, 0.4, 0.2]}
    assert training_work(augmentation=changes).images_bytes("train") == 0
    assert search_work(augmentation=changes).images_bytes("search") == 0


def test_every_process_of_a_step_costs_its_device_the_whole_time_and_a_test_has_one() -> None:
    work = training_work(batch_size=48, processes=8)
    timings = {name: {"n": 5, "median": 1.0, "first": 1.0, "memory": 100} for name in ("train_step", "evaluation")}
    timed = Calibration("GPU", "2026-01-01", {work.key: {"timings": timings}})
    assert expected(work, "train", timed).seconds == 8 * work.counts()["train_step"]
    assert expected(work, "test", timed).seconds == work.test_counts()["evaluation"]


def test_kinds_of_steps_that_a_job_has_none_of_need_no_figure() -> None:
    unscored = search_work(scored_epochs=0, frozen_epochs=0)
    missing = calibrated(evaluation={}, weights_step={})
    assert expected(unscored, "search", missing).seconds == pytest.approx(1.0 + 48 * 2.0)


def test_work_that_was_not_measured_is_unknown() -> None:
    for work, step in ((search_work(cells=9), "search"), (training_work(), "train"), (training_work(), "test")):
        cost = expected(work, step, calibrated())
        assert (cost.seconds, cost.memory, cost.source) == (None, None, "unknown")
    assert expected(search_work(), "search", calibrated(joint_step={})).seconds is None


def test_a_calibration_is_found_by_part_of_its_name_and_the_newest_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert calibration.named(None) is None
    written = calibration.write(calibrated("NVIDIA A100-SXM4-40GB", "2026-01-02"))
    assert written == Path("results/calibration/NVIDIA-A100-SXM4-40GB.json")
    calibration.write(calibrated("NVIDIA V100", "2026-01-01"))
    assert calibration.named(None) == calibration.named("a100") == calibration.read(written)
    with pytest.raises(InputError, match="'nvidia' stands for several"):
        calibration.named("nvidia")
    assert calibration.named("H100") is None


def test_a_cpu_is_another_device_with_more_threads() -> None:
    cpu = {"device": "AMD EPYC", "device_type": "cpu", "threads": 1}
    assert hardware(cpu) == "AMD EPYC, 1 thread"
    assert hardware(cpu | {"threads": 4}) == "AMD EPYC, 4 threads"
    gpu = {"device": "NVIDIA V100", "device_type": "cuda", "threads": 4}
    assert hardware(gpu) == hardware(gpu | {"steps_per_gpu": 1}) == "NVIDIA V100"


def test_a_gpu_that_steps_share_is_another_device_and_each_costs_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = {"device": "NVIDIA V100", "device_type": "cuda", "threads": 1}
    for steps in (1, 4):
        made = record | {"steps_per_gpu": steps}
        units = {search_work().key: {"timings": TIMINGS, "provenance": made}}
        calibration.write(Calibration(hardware(made), f"2026-01-0{steps}", units, steps))
    alone, shared = calibration.named(None, 1), calibration.named(None, 4)
    assert alone is not None
    assert shared is not None
    assert (alone.device, shared.device) == ("NVIDIA V100", "NVIDIA V100, 4 steps at once")
    whole, share = (expected(search_work(), "search", one).seconds for one in (alone, shared))
    assert whole is not None
    assert share == whole / 4
    assert calibration.named(None, 2) is None
    calibration.write(calibrated("CPU"))
    assert (one := calibration.named(None, 2)) is not None
    assert one.device == "CPU"  # a CPU is not shared out
