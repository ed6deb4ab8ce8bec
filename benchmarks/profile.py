"""Which operations a search stage spends its time in: python -m benchmarks.profile --stage 2 --device cuda."""

import argparse

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.run import warm
from benchmarks.searches import Search
from benchmarks.setup import setup_on
from pdarts.engine.device import set_up
from pdarts.settings.machine import Machine


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", type=int, choices=(1, 2, 3), default=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--textbook", action="store_true", help="of the textbook formulation")
    arguments = parser.parse_args()
    machine = Machine(device=arguments.device)
    setup, work = setup_on(set_up(machine), machine), Search(stage=arguments.stage)
    iteration = work.textbook(setup) if arguments.textbook else work.ours(setup)
    warm(iteration, setup.device)
    activities, order = [ProfilerActivity.CPU], "self_cpu_time_total"
    if setup.device.type == "cuda":
        activities, order = [*activities, ProfilerActivity.CUDA], "self_device_time_total"
    with profile(activities=activities) as found:
        iteration()
        if setup.device.type == "cuda":
            torch.cuda.synchronize()
    print(found.key_averages().table(sort_by=order, row_limit=30, max_name_column_width=50))


if __name__ == "__main__":
    main()
