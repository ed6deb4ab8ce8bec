"""Keys that search methods add to a search, apart from the methods so that a config can be read without torch."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pdarts.checking import suggestion
from pdarts.errors import InputError
from pdarts.settings.base import LossWeight, Settings

Radius = Annotated[float, Field(ge=0, le=1, examples=[0.3])]


class MethodKeys(Settings):
    """Base of the keys of all methods, and the keys of a method that adds none."""

    refused: ClassVar[tuple[str, ...]] = ()
    """Candidates that the method does not allow."""

    def described(self) -> str:
        """Describe how the method differs from others, for a report."""
        return "first-order gradients of alphas; operations on all channels"

    def check_channels(self, channels: int) -> None:
        """Refuse a number of initial channels that the method cannot divide.

        Raises:
            ValueError: naming what is allowed.
        """


class SecondOrder(MethodKeys):
    """DARTS of second order."""

    def described(self) -> str:
        return "second-order gradients of alphas; operations on all channels"


class PartialChannels(MethodKeys):
    """PC-DARTS."""

    partial_channels: Annotated[int, Field(ge=2, le=10_000)]
    """1/n of an edge's channels go through operations; the others bypass them."""

    def described(self) -> str:
        return f"first-order gradients of alphas; operations on 1/{self.partial_channels} of the channels"

    def check_channels(self, channels: int) -> None:
        if channels % self.partial_channels:
            raise ValueError(f"allowed: multiples of partial_channels, which is {self.partial_channels}")


class ZeroOneLoss(MethodKeys):
    """Fair DARTS."""

    refused = ("none",)  # an operation that adds zeros competes with nothing where each has a weight of its own
    zero_one_weight: Annotated[float, Field(ge=0, le=1000, examples=[10.0])]
    """Weight of the loss that drives operations' weights to 0 or 1, in every epoch."""

    def described(self) -> str:
        return f"{super().described()}; sigmoids instead of a softmax; zero-one loss times {self.zero_one_weight:g}"


class AuxiliarySkip(MethodKeys):
    """DARTS-."""

    auxiliary_weight: LossWeight
    """Weight of every edge's auxiliary skip connection in the first epoch of a stage."""
    auxiliary_decay: Literal["linear", "cosine", "slow_cosine"]
    """Course of this weight to 0: a line, half a cosine, or a quarter of one, which falls late."""

    def described(self) -> str:
        decay = self.auxiliary_decay.replace("_", " ")
        return f"{super().described()}; an auxiliary skip connection times {self.auxiliary_weight:g}, {decay} decay"


class Perturbation(MethodKeys):
    """SDARTS."""

    perturbation: Literal["random", "adversarial"]
    """Perturbation of architecture weights while network weights are updated: drawn, or made to raise the loss."""
    radius: tuple[Radius, Radius]
    """Largest perturbation of a weight, in the first epoch of a stage and after its last one; it rises linearly."""

    def described(self) -> str:
        first, last = self.radius
        return f"{super().described()}; {self.perturbation} perturbations up to {first:g}, at last {last:g}"

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.radius[0] > self.radius[1]:
            raise ValueError(f"radius is {list(self.radius)}; allowed: the smaller one first")
        return self


class BetaDecay(MethodKeys):
    """beta-DARTS."""

    beta_decay: Literal["half_an_epoch", "fifty_at_the_end"]
    """Weight of the term on alphas: half the epoch's number, or linear from 0 to 50 after a stage's last epoch."""

    def described(self) -> str:
        slope = self.beta_decay.replace("_", " ")
        return f"{super().described()}; log-sum-exp of alphas in their loss, its weight {slope}"


METHODS: dict[str, type[MethodKeys]] = {
    "p_darts": MethodKeys,
    "darts": MethodKeys,
    "second_order": SecondOrder,
    "pc_darts": PartialChannels,
    "fair_darts": ZeroOneLoss,
    "darts_minus": AuxiliarySkip,
    "sdarts": Perturbation,
    "beta_darts": BetaDecay,
}
"""Keys of each method, by the name of its module in `pdarts/progressive/methods`."""

UNNAMED = "p_darts"
"""The method of a stage file that names none."""


def described(method: str, values: Mapping[str, Any]) -> str:
    """Describe a method with these settings for a report; keys of other methods are left out.

    Raises:
        InputError: if it is not known.
    """
    if method not in METHODS:
        raise InputError(f"method is {method!r}{suggestion(method, METHODS)}; your own needs --extensions FILE.py")
    keys = METHODS[method]
    return keys.model_validate_json(json.dumps({key: values[key] for key in keys.model_fields})).described()
