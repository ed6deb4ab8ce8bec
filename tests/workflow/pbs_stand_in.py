"""Stands in for PBS: `qsub`, `qstat` and `qdel` with the options that profiles/pbs uses, for processes of this machine.

A job is a folder in $QUEUE with its request, the process of its script, and its exit status once it has ended.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

QUEUE = Path(os.environ["QUEUE"])


def qsub(*words: str) -> None:
    """Start a script, and print the ID of the job."""
    job = QUEUE / f"{len(list(QUEUE.iterdir())) + 1}.here"
    job.mkdir()
    (job / "request").write_text(" ".join(words))
    ended = f"echo $? >{job / 'Exit_status'}"
    process = subprocess.Popen(
        ["sh", "-c", f"sh '{words[-1]}' >{job / 'output'} 2>&1; {ended}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    (job / "process").write_text(str(process.pid))
    print(job.name)


def qstat(*words: str) -> None:
    """Print what `qstat -x -f ID` prints of a job's state."""
    job, status = QUEUE / words[-1], QUEUE / words[-1] / "Exit_status"
    print(f"Job Id: {job.name}\n    Job_Name = snakejob\n    job_state = {'F' if status.exists() else 'R'}")
    if status.exists():
        print(f"    Exit_status = {status.read_text().strip()}")


def qdel(*words: str) -> None:
    """Send SIGTERM to the processes of jobs, but not to the shell that notes how a job ended."""
    for job in words:
        shell = int((QUEUE / job / "process").read_text())
        done = subprocess.run(["pgrep", "-g", str(shell)], capture_output=True, text=True, check=False)
        for process in map(int, done.stdout.split()):
            if process != shell:
                os.kill(process, signal.SIGTERM)


if __name__ == "__main__":
    {"qsub": qsub, "qstat": qstat, "qdel": qdel}[sys.argv[1]](*sys.argv[2:])
