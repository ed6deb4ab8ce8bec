"""A training whose processes wait for each other at most 3 s."""

from datetime import timedelta

from pdarts import train
from pdarts.engine import distributed, step

if __name__ == "__main__":
    distributed.TIMEOUT = timedelta(seconds=3)
    step.run(train.main)
