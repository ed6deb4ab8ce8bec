"""Time a few real iterations of all work behind a target on this device, for the costs that `pdarts.tools.plan` gives.

    python -m pdarts.tools.calibrate --target cifar

Each distinct setting is timed once, on synthetic images of the dataset's size: iterations of every search stage with
frozen and with trained alphas, iterations of every recipe, and evaluation. The times are added to the file of the
device in results/calibration/. A kind of iteration that takes too long, or too much memory, is named and left out.
With `machine.steps_per_gpu`, so many processes do the same work on a GPU at once.
"""

import os
import sys

import torch

from pdarts import gpus
from pdarts.engine import sharing, step
from pdarts.engine.device import usable_gpus
from pdarts.engine.provenance import now
from pdarts.errors import InputError
from pdarts.settings.machine import Machine
from pdarts.tools.cost import calibration
from pdarts.tools.cost.calibration import Calibration, hardware, steps_of
from pdarts.tools.cost.measuring import measure
from pdarts.tools.cost.timing import distinct
from pdarts.tools.cost.work import Work, work_of
from pdarts.tools.workflow import Job, add_config, add_target, config_of, jobs, machine_of, makers


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    add_target(parser)
    add_config(parser)
    parser.add_argument("--limit", type=float, default=10, help="most seconds for a kind of iteration (default: 10)")
    parser.add_argument(
        "--patience", type=float, default=120, help="seconds until a kind of iteration is given up (default: 120)"
    )
    arguments = parser.parse_args()
    found = jobs(arguments.target, config_of(arguments))
    works = _works(found)
    if not works:
        raise InputError(f"{' '.join(arguments.target)}: nothing is searched or trained behind it; name a table")
    machine = _on_one_device(machine_of(found))
    copies = machine.steps_per_gpu if machine.device == "cuda" else 1
    path = None
    for number, work in enumerate(works, 1):
        print(f"{number}/{len(works)} {_label(work)}", file=sys.stderr, flush=True)
        unit = measure(work, machine, arguments.limit, arguments.patience, copies)
        for kind, timing in unit["timings"].items():
            spread = f"{timing['min']:.4g} to {timing['max']:.4g}"
            print(
                f"  {kind}: {timing['median']:.4g} s (n={timing['n']}, {spread}), {timing['memory'] / 1e9:.2f} GB",
                file=sys.stderr,
            )
        for kind, reason in unit["not_measured"].items():
            print(f"  {kind}: not measured: {reason}", file=sys.stderr, flush=True)
        if unit["timings"]:
            path = _store(work, unit)
    if path is None:
        raise InputError("nothing could be timed, for the reasons above; name a longer --patience, or a larger device")
    print(path)


def _works(found: list[Job]) -> list[Work]:
    """Collect the work to time, each kind once."""
    made_by = makers(found)
    works = [work_of(job, made_by) for job in found if job.step in ("search", "train")]
    return distinct(work for work in works if work is not None)


def _on_one_device(machine: Machine) -> Machine:
    """Settle on a CPU or a GPU, and of several GPUs on the one with the fewest steps, for what is timed."""
    usable = usable_gpus(machine)
    if len(usable) > 1:
        names = gpus.visible(torch.cuda.device_count())
        index = usable[sharing.take([names[index] for index in usable], os.getpid())]
        os.environ["CUDA_VISIBLE_DEVICES"] = names[index]
    return machine.model_copy(update={"device": "cuda" if usable else "cpu"})


def _label(work: Work) -> str:
    unit = work.settings
    size = f"{unit['cells']} cells, {unit['channels']} channels, batch {unit['batch_size']}, {work.size.pixels} pixels"
    return f"{work.step}: {size}" + (f", {unit['operations']} operations" if work.step == "search" else "")


def _store(work: Work, unit: dict[str, object]) -> object:
    """Add measurements to the file of their device, and return its path."""
    record = unit["provenance"]
    assert isinstance(record, dict)
    device = hardware(record)
    path = calibration.path_of(device)
    units = dict(calibration.read(path).units) if path.exists() else {}
    measured = now().isoformat(timespec="seconds")
    return calibration.write(Calibration(device, measured, {**units, work.key: unit}, steps_of(record)))


if __name__ == "__main__":
    step.run(main)
