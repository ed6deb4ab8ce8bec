"""Which device a step takes, and what is said where torch cannot drive a GPU."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdarts import gpus
from pdarts.engine.obstacles import Build, drives, obstacle
from pdarts.gpus import Driver, Gpu
from tests.configuration import ROOT
from tests.fake_driver import with_gpus

H100 = Gpu("NVIDIA H100", (9, 0))
PASCAL = Gpu("NVIDIA GeForce GTX 1080", (6, 1))
CUDA_13 = Build("2.14.1+cu130", "13.0", ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"))
FOR_CPUS = Build("2.14.1+cpu", None, ())
TAKE = """
import os, sys
from pdarts.engine.sharing import take
step, *names = sys.argv[1:]
print(take(names, int(step) or os.getpid(), number=1), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("architecture", "capability", "runs"),
    [
        ("sm_80", (8, 0), True),
        ("sm_80", (8, 9), True),  # minor versions of one major are compatible upward
        ("sm_86", (8, 0), False),
        ("sm_80", (9, 0), False),
        ("sm_90a", (9, 0), True),
        ("sm_100a", (10, 3), False),
        ("sm_100f", (10, 3), True),
        ("sm_120", (12, 1), True),
        ("compute_90", (12, 0), True),
        ("compute_90", (8, 9), False),
        ("compute_90a", (10, 0), False),
        ("compute_100f", (12, 0), False),
    ],
)
def test_code_runs_on_gpus_of_its_major_version_and_ptx_on_newer_ones(
    architecture: str, capability: tuple[int, int], runs: bool
) -> None:
    assert drives(Build("2.14.1", "13.0", (architecture,)), Gpu("", capability)) == runs


def test_nothing_stands_in_the_way_of_a_gpu_that_torch_drives_or_where_there_is_none() -> None:
    driver = Driver("580.65.06", (13, 0), (H100, PASCAL))
    assert obstacle(CUDA_13, [H100], driver, "") is None
    assert obstacle(CUDA_13, [PASCAL, H100], driver, "") is None
    assert obstacle(Build("2.14.1+rocm7.1", None, ("gfx942",)), [Gpu("AMD Instinct", (9, 4))], None, "") is None
    assert obstacle(CUDA_13, [], None, "") is None
    assert obstacle(FOR_CPUS, [], None, "") is None


@pytest.mark.parametrize(
    ("build", "seen", "driver", "said", "parts"),
    [
        (
            FOR_CPUS, [], Driver("580.65.06", (13, 0), (H100, H100)), "",
            ["this machine has NVIDIA H100 (compute capability 9.0), but torch 2.14.1+cpu is a build without CUDA",
             "remove the virtual environment and run make setup TORCH=default"],
        ),
        (
            CUDA_13, [], Driver("535.104.05", (12, 2), (H100,)), "the driver is too old",
            ["its driver 535.104.05 knows CUDA 12.2 at most", "torch 2.14.1+cu130 was built with CUDA 13.0",
             "update the driver, or install a build for CUDA 12 from https://pytorch.org/get-started/locally"],
        ),
        (
            CUDA_13, [], Driver("580.65.06", (13, 0), (H100,)), "CUDA unknown error",
            ["NVIDIA H100", "cannot start CUDA: CUDA unknown error; see whether nvidia-smi lists the GPU"],
        ),
        (
            CUDA_13, [], None, "The NVIDIA driver on your system is too old (found version 11040).",
            ["torch 2.14.1+cu130 cannot start CUDA: The NVIDIA driver on your system is too old", "update its driver"],
        ),
        (
            CUDA_13, [PASCAL], Driver("580.65.06", (13, 0), (PASCAL,)), "",
            ["NVIDIA GeForce GTX 1080 (compute capability 6.1) cannot run torch 2.14.1+cu130",
             "built for sm_75 sm_80 sm_86 sm_90 sm_100 sm_120", "install a build that names this capability"],
        ),
    ],
    ids=["build for CPUs", "old driver", "broken CUDA", "old driver that torch names", "other capability"],
)  # fmt: skip
def test_a_gpu_that_torch_cannot_drive_is_named_with_what_to_install(
    build: Build, seen: list[Gpu], driver: Driver | None, said: str, parts: list[str]
) -> None:
    text = obstacle(build, seen, driver, said)
    assert text is not None
    assert "\n" not in text
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, ["0", "1"]),
        ("", []),
        ("1", ["1"]),
        ("3, 2", ["3", "2"]),
        ("GPU-0a1b,GPU-2c3d", ["GPU-0a1b", "GPU-2c3d"]),
        ("0,-1,1", ["0"]),
        ("NoDevFiles", []),
    ],
)
def test_the_environment_names_gpus_as_cuda_reads_it(
    value: str | None, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if value is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert gpus.visible(2) == names


def test_a_step_whose_gpu_torch_cannot_drive_computes_on_the_cpu_and_says_so_or_ends(tmp_path: Path) -> None:
    program = (
        "from pdarts.engine import step; from pdarts.engine.device import set_up;"
        "from pdarts.settings.machine import Machine;"
        "step.run(lambda: [print(set_up(Machine(device=device)), flush=True) for device in ('cpu', 'auto', 'cuda')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=with_gpus(2, tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "cpu\ncpu\n")
    warning, error = done.stderr.splitlines()
    there = "this machine has NVIDIA H100 (compute capability 9.0), but "
    assert warning.startswith(f"warning: {there}")
    assert warning.endswith("The CPU computes instead; to have it so, set machine.device to cpu")
    assert error.startswith(f"error: machine.device is 'cuda': {there}")


class Steps:
    """Processes that have taken a GPU and hold it."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder, self.names = folder, names
        self.held: list[tuple[int, subprocess.Popen[str]]] = []

    def start(self, count: int = 1, step: int = 0) -> list[int]:
        """Start processes at once; the GPUs that they take. Without the number of a step, each is a step of its own."""
        started = [
            subprocess.Popen(
                [sys.executable, "-c", TAKE, str(step), *self.names],
                cwd=ROOT,
                env={"TMPDIR": str(self.folder)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]
        taken = []
        for process in started:
            assert process.stdout is not None
            taken.append(int(process.stdout.readline()))
            self.held.append((taken[-1], process))
        return taken

    def kill(self, gpu: int) -> None:
        """Kill a process that holds a GPU."""
        index = next(index for index, (held, _) in enumerate(self.held) if held == gpu)
        _, process = self.held.pop(index)
        process.kill()
        process.communicate()


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[Steps]:
    steps = Steps(tmp_path, "0", "1", "2")
    yield steps
    for _, process in steps.held:
        process.kill()
        process.communicate()


def test_steps_spread_over_the_gpus_and_a_killed_one_leaves_its_place(steps: Steps) -> None:
    assert sorted(steps.start(5)) == [0, 0, 1, 1, 2]
    assert steps.start() == [2]
    assert steps.start() == [0]  # all are taken twice
    steps.kill(1)
    steps.kill(1)
    assert steps.start(2) == [1, 1]


def test_processes_of_one_step_take_different_gpus_and_leave_the_others_to_the_next_step(steps: Steps) -> None:
    assert steps.start() == [0]
    assert sorted(steps.start(2, step=7)) == [1, 2]
    steps.kill(0)
    assert sorted(steps.start(2, step=8)) in ([0, 1], [0, 2])
    assert len(set(steps.start(3, step=9))) == 3


def test_a_folder_that_cannot_be_written_costs_no_step(tmp_path: Path) -> None:
    taken = Steps(tmp_path / "nowhere", "0", "1")
    (tmp_path / "nowhere").mkdir()
    (tmp_path / "nowhere" / f"pdarts-gpus-{os.getuid()}").touch()  # a file where the folder would be
    assert taken.start() == [1]
    taken.kill(1)
