"""Options with their explanations, and the handling of errors, for all entry points."""

import argparse
import errno
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from pdarts import extensions, memory
from pdarts.checking import fields
from pdarts.engine.termination import PROCESS
from pdarts.errors import InputError
from pdarts.settings.base import Settings
from pdarts.settings.machine import Machine

ADVICE = {
    "free space": (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    "change permissions": (errno.EACCES, errno.EPERM, errno.EROFS),
    "name another path, or move what is there": (errno.EISDIR, errno.ENOTDIR, errno.EEXIST),
}
"""What to do about errors of the file system, by number."""


def parser(docstring: str | None) -> argparse.ArgumentParser:
    """An argument parser whose `--help` shows the step's docstring as it is written."""
    path = Path(sys.argv[0])
    name = f"tools.{path.stem}" if path.parent.name == "tools" else path.stem
    return argparse.ArgumentParser(
        prog=f"python -m pdarts.{name}",
        description=docstring,
        epilog="",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_settings(arguments: argparse.ArgumentParser, *models: type[Settings]) -> None:
    """Add `--settings`, which takes one of `models`; `--help` ends with their keys and meanings."""
    arguments.add_argument(
        "--settings", required=True, metavar="JSON", help="one line of JSON, or the path of a JSON file; keys below"
    )
    explain(arguments, "--settings", *models)


def add_machine(arguments: argparse.ArgumentParser) -> None:
    """Add `--machine`, which says where the work runs."""
    arguments.add_argument(
        "--machine", default="{}", metavar="JSON", help="where to run, in the same form; every key may be left out"
    )
    explain(arguments, "--machine", Machine)


def add_extensions(arguments: argparse.ArgumentParser) -> None:
    """Add `--extensions`, which loads files of the user, so that settings may name what they register."""
    arguments.add_argument(
        "--extensions",
        nargs="*",
        default=[],
        action=_Load,
        metavar="FILE.py",
        help="your own operations, methods or schedules (docs/own-operation.md, docs/own-method.md)",
    )


class _Load(argparse.Action):
    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        files: Sequence[str] = values
        extensions.load(files)
        setattr(namespace, self.dest, files)


def add_output_stem(arguments: argparse.ArgumentParser, endings: Sequence[str]) -> None:
    """Add `--output-stem`, which names several files that differ in their endings."""
    written = [f"STEM.{ending}" for ending in endings]
    meaning = f"{', '.join(written[:-1])} and {written[-1]} are written"
    arguments.add_argument("--output-stem", required=True, type=_stem, metavar="STEM", help=meaning)


def _stem(text: str) -> str:
    if not text or text.endswith("/"):
        raise argparse.ArgumentTypeError(f"it is {text!r}, which names no file; allowed: a path such as results/mine")
    return text


def add_experiment(arguments: argparse.ArgumentParser, meaning: str) -> None:
    """Add `--experiment`, which `meaning` explains, and the options that every step has that computes or searches."""
    arguments.add_argument("--experiment", default="by-hand", help=meaning)
    add_extensions(arguments)
    add_machine(arguments)
    add_rehearsal(arguments)


def add_rehearsal(arguments: argparse.ArgumentParser) -> None:
    """Add `--rehearsal`, which stamps all that is written."""
    arguments.add_argument("--rehearsal", action="store_true", help="stamp what is written: a rehearsal, no result")


def explain(arguments: argparse.ArgumentParser, option: str, *models: type[Settings]) -> None:
    """Let `--help` end with the keys of `models`, of which an option takes one, and what they mean."""
    meanings: dict[str, list[str]] = {}
    for key, meaning in (pair for model in models for pair in fields(model).items()):
        if meaning not in meanings.setdefault(key, []):
            meanings[key].append(meaning)
    lines = [f"  {key}\n      " + "\n      or: ".join(texts) for key, texts in meanings.items()]
    arguments.epilog = "\n".join(filter(None, [arguments.epilog, f"keys of {option}:", *lines]))


def run(main: Callable[[], None]) -> None:
    """Run a step. An error of the user ends it with a message and exit code 1, a defect with its traceback.

    A lack of memory ends it with a message too; the same command may then continue on a larger machine.

    SIGTERM, SIGINT and SIGHUP end it with exit code 75, once its state is saved. If nobody reads its output any more,
    as in `| head`, it ends silently.
    """
    PROCESS.install()
    try:
        main()
        sys.stdout.flush()
        PROCESS.done()
    except InputError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:
        if not _closed(sys.stdout):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor may the interpreter's end write there
        sys.exit(128 + signal.SIGPIPE)
    except (MemoryError, RuntimeError, OSError) as error:
        if (lacking := memory.lack(error)) is not None:
            sys.exit(f"error: out of memory: {lacking}; {memory.ADVICE}. The same command continues what was saved")
        if not isinstance(error, OSError) or (error.filename is None and error.errno is None):
            raise
        advice = next((advice for advice, numbers in ADVICE.items() if error.errno in numbers), None)
        again = f"; {advice}, then run the same command again: finished results are kept" if advice else ""
        sys.exit(f"error: {error.filename or 'a file'}: {error.strerror}{again}")


def _closed(stream: TextIO) -> bool:
    """Whether nobody reads a stream any more."""
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return bool(poll.poll(0))
