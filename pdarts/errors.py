"""What messages are made of: the error for mistakes in the user's input, warnings of what may be one, and plurals."""

import re
import sys


class InputError(ValueError):
    """The user's input does not fit.

    The message names the key or file, its value, what is allowed and the next step; entry points print it
    without a traceback. Everything else that is raised is a defect and keeps its traceback.
    """


def warn(sentence: str) -> None:
    """Say on standard error what may be a mistake; the work goes on."""
    print(f"warning: {sentence}", file=sys.stderr, flush=True)


def counted(number: int, noun: str) -> str:
    """Write a number with its noun, such as `1 file` and `2 searches`."""
    return f"{number:,} {plural(str(number), noun)}"


def plural(number: str, noun: str) -> str:
    """Put a noun in the plural, unless the number before it is written as 1."""
    if number == "1":
        return noun
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return noun + ("es" if re.search(r"(s|[^o]ch)$", noun) else "s")  # searches, but epochs
