"""Schedules at their seams."""

import math

import pytest

from pdarts.engine import schedules
from pdarts.engine.schedules import cosine, drop_path_rate, learning_rate, linear
from pdarts.progressive.schedule import skip_dropout
from pdarts.settings import optimization
from pdarts.settings.recipes import Recipe
from pdarts.settings.searches import StageSettings
from tests.configuration import CONFIG

STAGE: StageSettings = CONFIG.searches["pdarts-cifar10"].stage_settings(3)
CIFAR = CONFIG.recipes["cifar"]
IMAGENET = Recipe(
    **CIFAR.model_dump(exclude={"epochs", "schedule", "warmup_epochs", "optimizer"}),
    epochs=250,
    schedule="linear",
    warmup_epochs=5,
    optimizer=CIFAR.optimizer.model_copy(update={"learning_rate": 0.5}),
)


def test_skip_dropout_falls_linearly_while_alphas_are_frozen() -> None:
    assert skip_dropout(STAGE, 0) == pytest.approx(0.7 * 24 / 25)
    assert skip_dropout(STAGE, 9) == pytest.approx(0.7 * 15 / 25)


def test_skip_dropout_jumps_back_when_alphas_start_to_move_and_then_decays() -> None:
    assert skip_dropout(STAGE, 10) == 0.7
    assert skip_dropout(STAGE, 11) == pytest.approx(0.7 * math.exp(-0.2))
    assert skip_dropout(STAGE, 24) == pytest.approx(0.7 * math.exp(-2.8))


def test_cosine_starts_at_its_first_value_and_has_not_quite_arrived_in_the_last_epoch() -> None:
    assert cosine(0, 25, 0.025, 0.0) == 0.025
    assert cosine(24, 25, 0.025, 0.0) == pytest.approx(0.5 * 0.025 * (1 + math.cos(math.pi * 24 / 25)))
    assert cosine(50, 50, 0.025, 0.001) == pytest.approx(0.001)


def test_linear_schedule_slows_down_in_its_last_five_epochs() -> None:
    assert linear(0, 250, 0.5, 0.0) == 0.5
    assert linear(244, 250, 0.5, 0.0) == pytest.approx(0.5 / 245)
    assert linear(245, 250, 0.5, 0.0) == pytest.approx(0.5 * 5 / (245 * 5))
    assert linear(249, 250, 0.5, 0.0) == pytest.approx(0.5 / (245 * 5))


def test_warm_up_rises_to_the_scheduled_rate() -> None:
    for epoch in range(5):
        assert learning_rate(IMAGENET, epoch) == pytest.approx(0.5 * (245 - epoch) / 245 * (epoch + 1) / 5)
    assert learning_rate(IMAGENET, 5) == pytest.approx(0.5 * 240 / 245)


def test_the_warm_up_of_a_search_rises_to_its_rate_and_the_schedule_goes_on_from_its_own_epoch() -> None:
    stage = STAGE.model_copy(update={"epochs": 50, "warmup_epochs": 5})
    rates = [learning_rate(stage, epoch) for epoch in range(50)]
    assert rates[:5] == pytest.approx([0.025 * part / 5 for part in range(1, 6)])
    assert rates[5:] == [cosine(epoch, 50, 0.025, 0.0) for epoch in range(5, 50)]


def test_a_search_can_have_the_linear_schedule() -> None:
    stage = STAGE.model_copy(update={"schedule": "linear"})
    assert [learning_rate(stage, epoch) for epoch in (0, 24)] == [0.025, linear(24, 25, 0.025, 0.0)]


def test_without_warm_up_the_first_epoch_has_the_full_rate() -> None:
    assert learning_rate(CIFAR, 0) == 0.025
    assert learning_rate(CIFAR, 300) == pytest.approx(0.0125)


def test_drop_path_rises_linearly_from_zero_and_never_arrives() -> None:
    assert drop_path_rate(CIFAR, 0) == 0
    assert drop_path_rate(CIFAR, 300) == pytest.approx(0.15)
    assert drop_path_rate(CIFAR, 599) == pytest.approx(0.3 * 599 / 600)


def test_settings_and_code_agree_on_the_tail() -> None:
    assert schedules.LINEAR_TAIL == optimization.LINEAR_TAIL
