"""How much memory is free: within the limits of the process, of its group, and of the system."""

import subprocess
import sys
from pathlib import Path

import pytest

from pdarts import memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell how much memory is free")


def test_a_limit_of_the_process_counts_without_what_it_has_taken() -> None:
    code = (
        "import resource; from pdarts import memory; resource.setrlimit(resource.RLIMIT_DATA, (2 * 10**8, -1)); "
        "before = memory.free(); held = bytearray(10**8); print(before, memory.free(), memory.limit())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after, limit = map(int, done.stdout.split())
    assert limit == 2 * 10**8
    assert 10**8 < before < limit
    assert 0.9 * 10**8 < before - after < 1.1 * 10**8


def test_the_limit_of_a_group_of_processes_counts_without_what_it_has_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::/"))
    group = tmp_path / own.removeprefix("0::/")
    group.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("700\n")
    unlimited = memory.free()
    assert unlimited is not None
    assert unlimited > 10**6
    (group / "memory.max").write_text("1000\n")
    (group / "memory.stat").write_text("anon 600\nfile 130\nshmem 30\n")
    assert memory.free() == 400
