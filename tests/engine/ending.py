"""Two processes of which one fails while the other waits for it, or that both wait for ever."""

import os
import sys
import time

import torch

from pdarts.engine import distributed


def main() -> None:
    distributed.start(2, torch.device("cpu"))
    os.write(1, f"{os.getpid()}\n".encode())  # a line in one piece: two processes share the pipe
    if sys.argv[1:] == ["fail"]:
        if distributed.rank() == 1:
            raise RuntimeError("this one fails")
        distributed.wait()
    time.sleep(600)


if __name__ == "__main__":
    main()
