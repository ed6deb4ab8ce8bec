"""What the main numbers of a table measure, in percent of test images."""

from collections.abc import Callable
from dataclasses import dataclass

from pdarts.reporting.training_files import Evaluation


@dataclass(frozen=True)
class Measure:
    """A number that a test yields."""

    title: str
    images: str
    """Which test images it counts."""
    of: Callable[[Evaluation], float]
    """Reads it from a test."""


ACCURACY = Measure("Accuracy", "whose most probable class is right", lambda test: test.top1)

ERRORS = {
    "top1_error": Measure("Test error", "whose most probable class is wrong", lambda test: 100 - test.top1),
    "top5_error": Measure(
        "Top-5 error", "whose class is not among the five most probable", lambda test: 100 - test.top5
    ),
}
"""Errors by their names in the settings."""
