"""Which operations a search stage spends its time in: python -m benchmarks.profile --stage 2."""

import argparse

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.cases import search


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", type=int, choices=(1, 2, 3), default=1)
    parser.add_argument("--textbook", action="store_true", help="of the textbook formulation")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    theirs, ours = search(arguments.stage, joint=True)
    iteration = theirs if arguments.textbook else ours
    iteration()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        iteration()
    print(found.key_averages().table(sort_by="self_cpu_time_total", row_limit=30, max_name_column_width=50))


if __name__ == "__main__":
    main()
