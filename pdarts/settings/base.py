"""The base of all settings, and kinds of values that several of them take."""

from collections.abc import Callable, Collection, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from pdarts.checking import suggestion
from pdarts.space.topology import EDGES_KEPT

Value = TypeVar("Value")


def _each_once(values: tuple[Value, ...]) -> tuple[Value, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value!r} is listed twice in {list(values)}; list each once")
    return values


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Named = Annotated[dict[Name, Value], Field(json_schema_extra={"additionalProperties": False})]
Once = AfterValidator(_each_once)
SkipLimit = Annotated[int, Field(ge=0, le=EDGES_KEPT)]
Positive = Annotated[int, Field(ge=1, le=1_000_000_000)]
Cells = Annotated[int, Field(ge=1, le=1000)]
Channels = Annotated[int, Field(ge=2, le=10_000, multiple_of=2)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
FirstEpochs = Annotated[int, Field(ge=0, le=100_000)]
BatchSize = Annotated[int, Field(ge=1, le=1_000_000)]
Processes = Annotated[int, Field(ge=1, le=10_000)]
Portion = Annotated[float, Field(gt=0, le=1, examples=[0.5])]
LossWeight = Annotated[float, Field(gt=0, le=10, examples=[0.4])]
Rate = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
"""With `Rate`, a kind of number for keys of users' own methods; the package's own have an upper bound."""


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


def known(key: str, value: str | int, existing: Iterable[str | int]) -> None:
    """Refuse a name or number that is none of `existing`."""
    if value not in existing:
        raise ValueError(f"{key} is {value!r}, which does not exist{suggestion(value, existing)}")


def one_of(names: Collection[str]) -> Callable[[Any], Any]:
    """Make a validator that accepts only `names`, those included that are added before it is called."""

    def check(value: Any) -> Any:
        if value not in names:
            *others, last = map(repr, names)
            raise PydanticCustomError("literal_error", f"Input should be {', '.join(others)} or {last}")
        return value

    return check
