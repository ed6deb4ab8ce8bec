"""What messages are made of: the error for mistakes in the user's input, warnings of what may be one, and plurals."""

import sys


class InputError(ValueError):
    """The user's input does not fit.

    The message names the key or file, its value, what is allowed and the next step; entry points print it
    without a traceback. Everything else that is raised is a defect and keeps its traceback.
    """


def warn(sentence: str) -> None:
    """Say on standard error what may be a mistake; the work goes on."""
    print(f"warning: {sentence}", file=sys.stderr, flush=True)


def counted(number: int, singular: str, plural: str = "") -> str:
    """Write a number with its noun, such as `1 file` and `2 files`; `plural` is for nouns that take more than an s."""
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"
