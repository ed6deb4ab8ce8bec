"""Tabulates what the architecture weights of each search told while it ran."""

from pathlib import Path

from pdarts.reporting.grid import NOTHING, Grid, Heading
from pdarts.reporting.search_files import TraceEpoch
from pdarts.reporting.searches import Trace, read_trace
from pdarts.reporting.table_files import TableFiles

HEADINGS = (
    Heading("Search of"),
    Heading("Seed", numeric=True),
    Heading("Settled in epoch", numeric=True),
    Heading("Skips after each stage", numeric=True),
    Heading("Most skips without limit", numeric=True),
    Heading("Parameters after each stage (thousands)", numeric=True),
    Heading("Entropy after each stage", numeric=True),
)

EXPLAINED = (
    "From the architecture weights after every epoch; epochs are counted through all stages, each of which starts "
    "with fresh weights. Settled in epoch: the first from which on every epoch yields the two cells that were found. "
    "Skips: skip connections of the normal cell that the weights yield, in brackets without the skip limit if that "
    "differs; the most are those of an epoch that trained alphas. Parameters: of all cells in a network as deep and "
    "as wide as the supernet of the last stage. Entropy: mean over the weights of the normal cell, from 1 (all "
    "choices open) to 0 (decided)."
)


def searches(files: TableFiles, partial: bool) -> Grid:
    """Make a line for each search behind a table, named by the rows that show it.

    Args:
        files: the files behind the table.
        partial: leave out searches whose traces are missing.

    Raises:
        InputError: if a trace is missing or another file.
    """
    users: dict[tuple[Path, int], dict[str, int]] = {}
    for row in files.rows:
        for runs in (*row.runs.values(), *row.searches.values()):
            for seed, path in runs.search.traces().items() if runs.search else ():
                if runs.search and (not partial or path.exists()):
                    users.setdefault((path, seed), {})[row.architecture] = runs.search.stages
    lines = []
    for (path, seed), stages in users.items():
        names = [name for name, used in stages.items() if used == max(stages.values())]  # others show an earlier cell
        lines.append((", ".join(names), str(seed), *_told(read_trace(path))))
    return Grid(HEADINGS, tuple(lines))


def _told(trace: Trace) -> tuple[str, ...]:
    counts = {
        number: epoch.unlimited_skips
        for number, epoch in enumerate(trace.epochs, 1)
        if epoch.unlimited_skips is not None and not epoch.frozen
    }
    first = max(counts, key=counts.__getitem__, default=None)
    return (
        f"{trace.settled} of {len(trace.epochs)}",
        ", ".join(map(_skips, trace.ends)),
        NOTHING if first is None else f"{counts[first]} in epoch {first}",
        ", ".join(NOTHING if end.parameters is None else f"{end.parameters / 1000:.1f}" for end in trace.ends),
        ", ".join(f"{end.entropy['normal']:.3f}" for end in trace.ends),
    )


def _skips(epoch: TraceEpoch) -> str:
    if epoch.skips is None:
        return NOTHING
    return f"{epoch.skips}" if epoch.skips == epoch.unlimited_skips else f"{epoch.skips} ({epoch.unlimited_skips})"
