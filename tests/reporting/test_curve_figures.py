"""Curves show what the metrics say, where they say it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdarts import curves
from pdarts.errors import InputError
from pdarts.reporting.curve_figures import TRAIN, VALID, search_curves, searches_curves, training_curves
from pdarts.reporting.figures import INK, OPERATION_COLORS, save
from pdarts.reporting.result_files import read, read_lines
from pdarts.reporting.search_files import StageEpoch, StageResult
from pdarts.reporting.searches import Trace, read_trace
from pdarts.reporting.trace_panels import SKIPS, UNLIMITED
from pdarts.reporting.training_files import TrainingEpoch
from pdarts.space.operations import CANDIDATES
from tests.reporting.examples import EPOCHS, write_metrics, write_stage, write_stage_metrics, write_trace


def stages(folder: Path, numbers: tuple[int, ...] = (1, 2, 3)) -> list[tuple[StageResult, list[StageEpoch]]]:
    return [
        (
            read(StageResult, Path(write_stage(folder / f"stage{number}.json", number)), "stage file", "search"),
            read_lines(StageEpoch, Path(write_stage_metrics(folder / f"{number}.jsonl", number)), "metrics", "search"),
        )
        for number in numbers
    ]


def trace(folder: Path, numbers: tuple[int, ...] = (1, 2, 3)) -> Trace:
    return read_trace(Path(write_trace(folder / "trace.jsonl", (0, 5, 4), ("PDARTS", "DARTS_V2"), 2, numbers)))


def runs(folder: Path, seeds: int) -> list[list[TrainingEpoch]]:
    return [
        read_lines(TrainingEpoch, Path(write_metrics(folder / f"{seed}.jsonl")), "metrics", "train")
        for seed in range(seeds)
    ]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["pdarts.curves", "--title", "T", *arguments])
    curves.main()


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Figure:
    folder = tmp_path_factory.mktemp("search")
    return search_curves("T", stages(folder), trace(folder))


def panel(figure: Figure, title: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(title))


def test_stages_follow_one_another(search: Figure) -> None:
    trained = [line.get_xdata() for line in panel(search, "Loss").lines if line.get_color() == TRAIN]
    assert [list(numbers) for numbers in trained] == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_every_edge_of_both_cells_shows_the_operations_of_each_stage_in_their_colours(search: Figure) -> None:
    courses = [[line for line in axes.lines if len(line.get_xdata()) == EPOCHS] for axes in search.axes]
    edges = [lines for lines in courses if len(lines) == 8 + 5 + 3]
    assert len(edges) == 2 * 14
    expected = [OPERATION_COLORS[name] for operations in (8, 5, 3) for name in CANDIDATES[:operations]]
    assert all([line.get_color() for line in lines] == expected for lines in edges)


def test_skip_connections_stand_with_and_without_the_limit_and_changes_of_the_cell_below(search: Figure) -> None:
    skips = panel(search, "Skip connections")
    courses = {color: [line for line in skips.lines if line.get_color() == color] for color in (SKIPS, UNLIMITED, INK)}
    assert [list(line.get_ydata()) for line in courses[SKIPS]] == [[0, 2, 2]] * 3
    assert [list(line.get_ydata()) for line in courses[UNLIMITED] if len(line.get_xdata()) == EPOCHS] == [[0, 5, 4]] * 3
    assert [list(line.get_xdata()) for line in courses[INK]] == [[2, 3, 5, 6, 8, 9]]


def test_every_search_has_a_column_of_its_own_on_a_common_scale(tmp_path: Path) -> None:
    searches = [stages(tmp_path / str(seed)) for seed in range(3)]
    traces = [trace(tmp_path / str(seed)) for seed in range(3)]
    traces[2] = Trace([epoch.model_copy(update={"parameters": 10**6}) for epoch in traces[2].epochs])
    figure = searches_curves("T", searches, traces)
    assert len(figure.axes) == 4 + 3 * 3
    assert [axes.get_xlabel() for axes in figure.axes[6::3]] == ["epoch, seed 0"] * 3
    assert len({axes.get_ylim() for axes in figure.axes[5::3]}) == 1
    assert figure.axes[5].get_ylim()[1] > 1000


def test_a_search_of_one_stage_can_be_drawn(tmp_path: Path) -> None:
    figure = search_curves("DARTS", stages(tmp_path, (1,)), trace(tmp_path, (1,)))
    assert all(axes.get_xlim() == (0.5, EPOCHS + 0.5) for axes in figure.axes)


def test_one_training_has_no_band_and_several_have_one(tmp_path: Path) -> None:
    bands = [len(training_curves("T", runs(tmp_path, seeds)).axes[0].collections) for seeds in (1, 3)]
    assert bands == [0, 1]


def test_searches_have_a_band_a_stage_and_half_of_the_images_where_both_were_measured(tmp_path: Path) -> None:
    searches = [stages(tmp_path / str(seed)) for seed in range(3)]
    searches[2] = [
        (result, [epoch.model_copy(update={"train_loss": 3 * epoch.train_loss}) for epoch in epochs])
        for result, epochs in searches[2]
    ]
    loss, *_ = searches_curves("T", searches, [trace(tmp_path)] * 3).axes
    assert len(loss.collections) == 3 * 2
    means = [line for line in loss.lines if line.get_linewidth() == 1.5 and line.get_color() == TRAIN]
    assert [list(line.get_xdata()) for line in means] == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert means[0].get_ydata() == pytest.approx([5 / 3, 5 / 6, 5 / 9])
    validated = [line.get_ydata() for line in loss.lines if line.get_linewidth() == 1.5 and line.get_color() == VALID]
    assert all(list(np.isnan(values)) == [True, False, False] for values in validated)


def test_curves_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    for name in ("first.svg", "second.svg"):
        save(training_curves("T", runs(tmp_path, 2)), tmp_path / name)
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_a_title_is_no_formula(tmp_path: Path) -> None:
    save(training_curves("costs $5 and $ {", runs(tmp_path, 1)), tmp_path / "curves.svg")
    assert "costs $5 and $ {" in (tmp_path / "curves.svg").read_text()


def test_the_step_draws_a_search_and_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, metrics = write_stage(tmp_path / "stage1.json"), write_stage_metrics(tmp_path / "stage1.metrics.jsonl")
    traces = write_trace(tmp_path / "trace.jsonl", stages=(1,))
    written = ("--output", str(tmp_path / "search.svg"))
    run(monkeypatch, "--stages", stage, "--metrics", metrics, "--traces", traces, *written)
    run(monkeypatch, "--metrics", write_metrics(tmp_path / "a.jsonl"), "--output", str(tmp_path / "training.svg"))
    assert "Architecture weights" in (tmp_path / "search.svg").read_text()
    assert "Training loss" in (tmp_path / "training.svg").read_text()


def test_the_step_draws_several_searches_one_after_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [write_stage(tmp_path / f"{seed}/stage{number}.json", number) for seed in (0, 1) for number in (1, 2, 3)]
    metrics = [
        write_stage_metrics(tmp_path / f"{seed}/{number}.jsonl", number) for seed in (0, 1) for number in (1, 2, 3)
    ]
    given = ("--traces", *[write_trace(tmp_path / f"{seed}/trace.jsonl") for seed in (0, 1)])
    given += ("--output", str(tmp_path / "curves.svg"))
    run(monkeypatch, "--stages", *files, "--metrics", *metrics, *given)
    assert "T: mean and range of 2 searches" in (tmp_path / "curves.svg").read_text()
    with pytest.raises(InputError, match="searches differ in more than their seed"):
        run(monkeypatch, "--stages", *files[:-1], "--metrics", *metrics[:-1], "--output", str(tmp_path / "x.svg"))


def test_trainings_of_unequal_length_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long, short = write_metrics(tmp_path / "long.jsonl", 4), write_metrics(tmp_path / "short.jsonl", 2)
    with pytest.raises(InputError, match=r"short\.jsonl has 2 epochs, .*long\.jsonl has 4"):
        run(monkeypatch, "--metrics", long, short, "--output", str(tmp_path / "x.svg"))


def test_metrics_of_another_stage_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, metrics = write_stage(tmp_path / "stage1.json", 1), write_stage_metrics(tmp_path / "2.jsonl", 2)
    with pytest.raises(InputError, match=r"2\.jsonl is not of the stage in .*stage1\.json"):
        run(monkeypatch, "--stages", stage, "--metrics", metrics, "--output", str(tmp_path / "x.svg"))


def test_a_stage_that_ended_early_has_the_epochs_that_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, figure = Path(write_stage_metrics(tmp_path / "1.jsonl")), str(tmp_path / "curves.svg")
    metrics.write_text("".join(metrics.read_text().splitlines(keepends=True)[:2]))
    whole, ended = write_stage(tmp_path / "whole.json"), write_stage(tmp_path / "ended.json", epochs_run=2)
    with pytest.raises(InputError, match=r"1\.jsonl is not of the stage in .*whole\.json"):
        run(monkeypatch, "--stages", whole, "--metrics", str(metrics), "--output", figure)
    trace = write_trace(tmp_path / "trace.jsonl", (0, 0), stages=(1,))
    run(monkeypatch, "--stages", ended, "--metrics", str(metrics), "--traces", trace, "--output", figure)
    assert "Architecture weights" in Path(figure).read_text()


def test_a_trace_of_other_epochs_or_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, metrics = write_stage(tmp_path / "stage1.json"), write_stage_metrics(tmp_path / "stage1.metrics.jsonl")
    given = ("--stages", stage, "--metrics", metrics, "--output", str(tmp_path / "x.svg"))
    with pytest.raises(InputError, match="--traces names 0 files, --stages those of 1 search; give"):
        run(monkeypatch, *given)
    other = write_trace(tmp_path / "trace.jsonl", (0, 0), stages=(1,))
    with pytest.raises(InputError, match=r"trace\.jsonl is not of the epochs of these stages"):
        run(monkeypatch, *given, "--traces", other)


def test_metrics_of_a_search_without_its_stages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = write_stage_metrics(tmp_path / "1.jsonl")
    with pytest.raises(InputError, match=r"1\.jsonl, line 1: not a metrics file of a training: drop_path"):
        run(monkeypatch, "--metrics", metrics, "--output", str(tmp_path / "x.svg"))
