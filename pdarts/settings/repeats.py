"""Seeds, either listed or counted by a name."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from pdarts.checking import suggestion
from pdarts.settings.base import Once, Settings

MOST = 10_000
"""The largest number of repeats."""

Count = Annotated[int, Field(ge=1, le=MOST)]


def _repeated(value: Any, info: ValidationInfo) -> Any:
    """Replace a name under `repeats` by the seeds that it stands for."""
    if not isinstance(value, str):
        return value
    context = info.context if isinstance(info.context, dict) else {}
    numbers = context.get("repeats")
    if not isinstance(numbers, dict | None):
        return (0,)  # repeats are refused themselves
    if numbers is None or value not in numbers:
        raise ValueError(
            f"{value!r} is not a name under repeats{suggestion(value, numbers or ())}; or list seeds: [0, 1]"
        )
    number = numbers[value]
    return (
        tuple(range(number)) if isinstance(number, int) and 0 < number <= MOST else (0,)
    )  # the number is refused itself


Seed = Annotated[int, Field(ge=0, lt=2**63)]
Seeds = Annotated[
    tuple[Seed, ...],
    Field(min_length=1, strict=False),  # after a validator lists are no longer taken for JSON's
    Once,
    BeforeValidator(_repeated),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "uniqueItems": True},
                {"type": "string"},
            ]
        }
    ),
]
"""One or more seeds, each once; in `config.yaml` also a name under `repeats`, which stands for seeds from 0 on."""


class Repeats(Settings):
    """Numbers of seeds, by the names that `seeds` can refer to."""

    retrainings: Count
    """Number of retrainings of each genotype."""
    searches: Count
    """Number of searches of each kind."""
