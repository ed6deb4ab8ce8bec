"""A Python that starts steps and Snakemake in a fraction of the time, since torch and the like are imported already.

A server imports them once and forks for every start. The new process takes the streams, folder and environment of
whoever asked, and runs `python -m MODULE` to its ordinary end. Nothing of the package is imported before, so that each
start runs the code of its own folder. The server's are limits, process group and the seed of hashes: tests of kills, of
full disks and of what differs between two processes start `sys.executable`.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

SLOW = (
    "jinja2",
    "matplotlib.figure",
    "pydantic",
    "smart_open",
    "snakemake.cli",
    "snakemake.report.html_reporter",
    "torch.func",
    "torch.utils.data",
    "torchvision.transforms.v2",
    "yte",
)
"""Modules to import once; not W&B's, which has a temporary folder that the first process to end would remove."""

EARLY = ("CUDA_", "LD_", "OMP_", "PYTHON")
"""Beginnings of variables that Python or a library reads as it starts; where one differs, so does the way to start."""


COMMANDS = {"python": "", "snakemake": "-m snakemake", "torchrun": "-m torch.distributed.run"}
"""What starts this way, as options of Python; all else that lies beside `sys.executable` stays what it is."""


@cache
def python() -> str:
    """The path of this Python, with the other commands beside it."""
    if sys.platform != "linux":
        return sys.executable
    real, folder = Path(sys.executable), Path(tempfile.mkdtemp(prefix="python-"))
    address = folder / "socket"
    client = shlex.join([str(real), "-I", "-S", str(Path(__file__).with_name("warm_client.py")), str(address)])
    for name, options in COMMANDS.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {client} {options} "$@"\n')
        (folder / name).chmod(0o700)
    for path in real.parent.iterdir():
        if path.name not in COMMANDS:
            (folder / path.name).symlink_to(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(address))
        listener.listen(100)
        server = subprocess.Popen(
            [real, __file__, str(listener.fileno()), folder / "python"],
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            stdin=subprocess.PIPE,  # where this closes, with this process, the server ends
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
    atexit.register(shutil.rmtree, folder)
    atexit.register(server.communicate)
    return str(folder / "python")


def serve(listener: socket.socket) -> list[str]:
    """Fork for every request, until standard input ends; returns in each new process, with its arguments."""
    events = selectors.DefaultSelector()
    for readable in (sys.stdin, listener):
        events.register(readable, selectors.EVENT_READ)
    while True:
        for key, _ in events.select():
            if key.fileobj is sys.stdin:
                sys.exit()
            if key.fileobj is not listener:
                _report(key, events)
                continue
            client, _ = listener.accept()
            content, streams, _, _ = socket.recv_fds(client, 1 << 20, 3)
            request = json.loads(content)
            number = os.fork() if _as_here(request["environment"]) else None
            if number == 0:
                for own in (events, listener, client):
                    own.close()
                _become(streams, request["folder"], request["environment"])
                return list(request["arguments"])
            for stream in streams:
                os.close(stream)
            client.send(str(number or 0).encode())
            if number is not None:
                events.register(os.pidfd_open(number), selectors.EVENT_READ, (number, client))


def _report(key: selectors.SelectorKey, events: selectors.BaseSelector) -> None:
    """Tell a client how its process ended."""
    number, client = key.data
    _, status = os.waitpid(number, 0)
    with suppress(BrokenPipeError), client:
        client.send(str(status).encode())
    events.unregister(key.fileobj)
    os.close(key.fd)


def _as_here(environment: Mapping[str, str]) -> bool:
    """Whether Python and its libraries would start as they did here; `PYTHONPATH` is heeded later."""
    early = [
        {name: value for name, value in variables.items() if name.startswith(EARLY) and name != "PYTHONPATH"}
        for variables in (os.environ, environment)
    ]
    return early[0] == early[1]


def _become(streams: list[int], folder: str, environment: Mapping[str, str]) -> None:
    """Take a client's streams, folder and environment, and look for modules where `python -m` does."""
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]


def main(listener: str, executable: str) -> None:
    """Serve at a socket, in place of an interpreter."""
    status = 1  # of an exception that nobody catches

    def leave() -> None:
        """End here, since to take modules apart is to copy them first."""
        for stream in (sys.stdout, sys.stderr):
            if not stream.closed:
                stream.flush()
        os._exit(status)

    atexit.register(leave)  # before all imports, so called after what they register
    for name in SLOW:
        importlib.import_module(name)
    gc.freeze()
    sys.executable = executable
    arguments = serve(socket.socket(fileno=int(listener)))
    if arguments[0] == "-u":  # as torchrun starts its processes
        del arguments[0]
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    _, module, *sys.argv[1:] = arguments
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise


if __name__ == "__main__":
    main(*sys.argv[1:])
