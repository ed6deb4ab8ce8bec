"""A check of what a node of a SLURM site sees of this folder, the environment and the data."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from pdarts.data.catalog import SOURCES
from pdarts.settings.config import Config
from pdarts.settings.datasets import Dataset
from pdarts.tools.cluster.slurm import Finding, Request, client, last_line

WAIT = 20
"""Seconds for which the job of the check may wait for a node."""
SLOW = 30
"""Seconds in which an environment should start."""

FROM_A_NODE = """
import json, pathlib, socket, sys, time
nonce, paths, host = json.loads(sys.argv[1])
missing = [path for path in [nonce, *paths] if not pathlib.Path(path).exists()]
started = time.monotonic()
import torch
seconds, network = time.monotonic() - started, True
try:
    host and socket.create_connection((host, 443), 5).close()
except OSError:
    network = False
seen = {'missing': missing, 'seconds': seconds, 'network': network, 'gpu': torch.cuda.is_available()}
print(json.dumps({'node': socket.gethostname(), **seen}))
"""


def look(request: Request, config: Config, datasets: Sequence[str]) -> list[Finding]:
    """Check what a node of the request's partition sees."""
    nonce = Path(f".preflight-{uuid4().hex}").resolve()
    host = "api.wandb.ai" if config.machine.wandb.mode == "online" else None
    roots = [str(root.resolve()) for name in datasets if (root := data_root(config, name)) and root.exists()]
    question = json.dumps([str(nonce), roots, host])
    command = ["srun", "--ntasks=1", f"--immediate={WAIT}", "--quiet", *_without_signal(request.options(minutes=2))]
    nonce.touch()
    try:
        answered, said = client(*command, sys.executable, "-c", FROM_A_NODE, question, seconds=WAIT + 70.0)
    finally:
        nonce.unlink()
    where = f"a node of partition {request.partition or 'the default'}"
    if not answered:
        busy = "Unable to allocate" in said or "immediate" in said.lower()
        return [Finding(None if busy else False, f"no job could look from {where}: {last_line(said)}")]
    seen = json.loads(last_line(said))
    slow = "; the environment lies on a slow file system: docs/cluster.md" if seen["seconds"] > SLOW else ""
    found = [Finding(not slow, f"{where} ({seen['node']}) starts torch in {seen['seconds']:.0f} s{slow}")]
    for path in seen["missing"]:
        thing = f"{Path.cwd()} is not shared with it" if path == str(nonce) else f"it does not see {path}"
        found.append(Finding(False, f"{where}: {thing}; work on a file system that all nodes mount"))
    if request.wants_gpu and config.machine.device != "cpu" and not seen["gpu"]:
        text = "torch sees no GPU in a job that has one; install its build for the driver (docs/cluster.md)"
        found.append(Finding(False, f"{where}: {text}"))
    if not seen["network"]:
        found.append(Finding(False, f"{where} does not reach {host}; set machine.wandb.mode: offline"))
    return found


def data_root(config: Config, name: str) -> Path | None:
    """Return the folder of a dataset's files; None if they are part of the package."""
    dataset = config.datasets[name]
    packaged = isinstance(dataset, Dataset) and SOURCES[dataset.source].files is None
    return None if packaged else Path(config.machine.data_root(dataset.folder))


def _without_signal(options: Sequence[str]) -> list[str]:
    """Select the options of `sbatch` that `srun` takes too."""
    return [option for option in options if not option.startswith(("--signal", "--open-mode"))]
