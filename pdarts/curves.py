"""Draw a search's or a training's course from its metrics.

A search: its trace, the metrics of its stages in order, and the stage files that name the operations:
    python -m pdarts.curves --title T --stages stage1.json stage2.json --metrics stage1.metrics.jsonl \\
        stage2.metrics.jsonl --traces trace.jsonl --output curves.svg
Several searches that differ in their seed: the same, one search after another.
A training: the metrics of each of its seeds:
    python -m pdarts.curves --title T --metrics seed0/metrics.jsonl seed1/metrics.jsonl --output curves.svg
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from pdarts.engine import step
from pdarts.errors import InputError, counted
from pdarts.reporting.curve_figures import search_curves, searches_curves, training_curves
from pdarts.reporting.figures import save
from pdarts.reporting.result_files import read_lines
from pdarts.reporting.searches import Stage, Trace, read_stages, read_trace
from pdarts.reporting.training_files import TrainingEpoch


def main(words: Sequence[str] | None = None) -> None:
    """Entry point; `words` are options, those of the command line if there are none."""
    parser = step.parser(__doc__)
    parser.add_argument("--title", required=True, help="title of the figure")
    parser.add_argument("--metrics", required=True, nargs="+", type=Path, help="metrics files, a line an epoch")
    parser.add_argument(
        "--stages", nargs="+", type=Path, default=[], help="stage files of searches, one per metrics file"
    )
    parser.add_argument("--traces", nargs="+", type=Path, default=[], help="traces of searches, one per search")
    parser.add_argument("--output", required=True, type=Path, help="figure to write: .svg, .pdf or .png")
    step.add_rehearsal(parser)
    arguments = parser.parse_args(words)
    title, metrics = arguments.title, arguments.metrics
    if arguments.stages:
        figure = _searches(title, read_stages(arguments.stages, metrics), arguments.traces)
    else:
        figure = _trainings(title, metrics)
    save(figure, arguments.output, arguments.rehearsal)


def _searches(title: str, stages: list[Stage], traces: list[Path]) -> Figure:
    searches: list[list[Stage]] = []
    for result, epochs in stages:
        if not searches or result.stage <= searches[-1][-1][0].stage:
            searches.append([])
        searches[-1].append((result, epochs))
    first, *others = searches
    for search in others:
        if [(result.stage, result.settings) for result, _ in search] != [
            (each.stage, each.settings) for each, _ in first
        ]:
            raise InputError("--stages: searches differ in more than their seed; draw each into a figure of its own")
    if len(traces) != len(searches):
        raise InputError(
            f"--traces names {counted(len(traces), 'file')}, --stages those of "
            f"{counted(len(searches), 'search')}; give the trace of each search, by pdarts.trace"
        )
    found = [_trace_of(search, path) for search, path in zip(searches, traces, strict=True)]
    return searches_curves(title, searches, found) if others else search_curves(title, first, found[0])


def _trace_of(search: list[Stage], path: Path) -> Trace:
    trace = read_trace(path)
    if [(epoch.stage, epoch.epoch) for epoch in trace.epochs] != [
        (result.stage, epoch.epoch) for result, epochs in search for epoch in epochs
    ]:
        raise InputError(f"{path} is not of the epochs of these stages; make it of the same files with pdarts.trace")
    return trace


def _trainings(title: str, metrics: list[Path]) -> Figure:
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
