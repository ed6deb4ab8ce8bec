"""What holds for all tests."""

import signal
from collections.abc import Iterator

import pytest

from pdarts.engine.termination import SIGNALS


@pytest.fixture(autouse=True)
def _signals_stay() -> Iterator[None]:
    """A step that has ended ignores signals, which processes of later tests would inherit."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
