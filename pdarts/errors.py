"""The error for mistakes in the user's input, and warnings of what may be one."""

import sys


class InputError(ValueError):
    """The user's input does not fit.

    The message names the key or file, its value, what is allowed and the next step; entry points print it
    without a traceback. Everything else that is raised is a defect and keeps its traceback.
    """


def warn(sentence: str) -> None:
    """Say on standard error what may be a mistake; the work goes on."""
    print(f"warning: {sentence}", file=sys.stderr, flush=True)
