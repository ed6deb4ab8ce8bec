"""What `tests/warm.py` puts where a Python interpreter is expected: it asks the warm one, and ends as that does."""

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(address: str, *arguments: str) -> None:
    """Run `python ARGUMENTS` with this process's streams, folder and environment."""
    module = ("-u", "-m") if arguments[:1] == ("-u",) else ("-m",)
    status = _asked(address, arguments) if arguments[: len(module)] == module else None
    if status is None:
        os.execv(sys.executable, [sys.executable, *arguments])
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with suppress(OSError):  # of SIGKILL
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _asked(address: str, arguments: tuple[str, ...]) -> int | None:
    """How the module's process ended, in the form of `os.wait`; None where the server leaves it to this process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(address)
        request = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2])
        number = int(server.recv(32))
        if number:
            for name in FORWARDED:
                signal.signal(name, lambda told, frame: os.kill(number, told))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        return int(server.recv(32)) if number else None


if __name__ == "__main__":
    main(*sys.argv[1:])
