"""Draw a search's or a training's course from its metrics.

A search: the metrics of its stages in order, and the stage files that name the operations:
    python -m pdarts.curves --title T --stages stage1.json stage2.json --metrics stage1.metrics.jsonl \\
        stage2.metrics.jsonl --output curves.svg
Several searches that differ in their seed: the same, one search after another.
A training: the metrics of each of its seeds:
    python -m pdarts.curves --title T --metrics seed0/metrics.jsonl seed1/metrics.jsonl --output curves.svg
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from pdarts.engine import step
from pdarts.errors import InputError, counted
from pdarts.reporting.curve_figures import Stage, search_curves, searches_curves, training_curves
from pdarts.reporting.figures import save
from pdarts.reporting.result_files import StageEpoch, StageResult, TrainingEpoch, read, read_lines


def main(words: Sequence[str] | None = None) -> None:
    """Entry point; `words` are options, those of the command line if there are none."""
    parser = step.parser(__doc__)
    parser.add_argument("--title", required=True, help="title of the figure")
    parser.add_argument("--metrics", required=True, nargs="+", type=Path, help="metrics files, a line an epoch")
    parser.add_argument(
        "--stages", nargs="+", type=Path, default=[], help="stage files of searches, one per metrics file"
    )
    parser.add_argument("--output", required=True, type=Path, help="figure to write: .svg, .pdf or .png")
    step.add_rehearsal(parser)
    arguments = parser.parse_args(words)
    draw = _search if arguments.stages else _trainings
    figure = draw(arguments.title, arguments.metrics, arguments.stages)
    save(figure, arguments.output, arguments.rehearsal)


def _search(title: str, metrics: list[Path], stages: list[Path]) -> Figure:
    if len(metrics) != len(stages):
        raise InputError(
            f"--stages names {counted(len(stages), 'file')}, --metrics {len(metrics)}; give one of each per stage"
        )
    searches: list[list[Stage]] = []
    for stage_path, metrics_path in zip(stages, metrics, strict=True):
        result = read(StageResult, stage_path, "stage file", "pdarts.search")
        epochs = read_lines(StageEpoch, metrics_path, "metrics file of a search", "pdarts.search")
        operations = {len(row) for epoch in epochs for rows in epoch.architecture_weights.values() for row in rows}
        if len(epochs) != result.epochs or operations != {result.settings.operations}:
            raise InputError(f"{metrics_path} is not of the stage in {stage_path}; name both in the order of stages")
        if not searches or result.stage <= searches[-1][-1][0].stage:
            searches.append([])
        searches[-1].append((result, epochs))
    first, *others = searches
    for search in others:
        if [(result.stage, result.settings) for result, _ in search] != [
            (each.stage, each.settings) for each, _ in first
        ]:
            raise InputError("--stages: searches differ in more than their seed; draw each into a figure of its own")
    return searches_curves(title, searches) if others else search_curves(title, first)


def _trainings(title: str, metrics: list[Path], _: list[Path]) -> Figure:
    runs = [read_lines(TrainingEpoch, path, "metrics file of a training", "pdarts.train") for path in metrics]
    for path, run in zip(metrics, runs, strict=True):
        if len(run) != len(runs[0]):
            raise InputError(
                f"{path} has {counted(len(run), 'epoch')}, {metrics[0]} has {len(runs[0])}; draw trainings of equal "
                "length, or each into a figure of its own"
            )
    return training_curves(title, runs)


if __name__ == "__main__":
    step.run(main)
