"""What every entry point shares: arguments that explain themselves, errors that speak to the user."""

import argparse
import sys
from collections.abc import Callable

from pdarts.errors import InputError


def parser(docstring: str | None) -> argparse.ArgumentParser:
    """An argument parser whose `--help` shows the step's docstring as it is written."""
    return argparse.ArgumentParser(description=docstring, formatter_class=argparse.RawDescriptionHelpFormatter)


def add_machine(arguments: argparse.ArgumentParser) -> None:
    """Add `--machine`, which says where the work runs and changes no result."""
    arguments.add_argument(
        "--machine",
        default="{}",
        metavar="JSON",
        help="where to run: device (auto, cpu, cuda), threads, data_roots, download, wandb; JSON or the path of a "
        "JSON file (default: what rules/config.schema.yaml says under Machine)",
    )


def run(main: Callable[[], None]) -> None:
    """Run a step; what the user can mend ends in one message and exit code 1, a defect in its traceback."""
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        sys.exit(
            f"error: {error.filename or 'a file'}: {error.strerror}; free space or change permissions, "
            "then run the same command again: finished results are kept"
        )
