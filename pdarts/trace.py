"""Find the cell that a search would have found after each of its epochs, had it ended there; nothing is trained.

    python -m pdarts.trace --stages stage1.json stage2.json --metrics stage1.metrics.jsonl stage2.metrics.jsonl \\
        --max-skips 2 --output trace.jsonl

The output has a line for each epoch of all stages in order: the stage, the epoch in it, whether alphas were frozen,
the genotype, the skip connections of the normal cell with and without the limit, the parameters of all cells in a
network of the last stage's depth and width, and the mean entropy of the architecture weights from 0 (decided) to 1
(open).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, float64, tensor

from pdarts.engine import step
from pdarts.engine.files import write_text
from pdarts.progressive.method import method_behind
from pdarts.progressive.trace import Size, trace
from pdarts.reporting.searches import Stage, read_stages
from pdarts.space.architecture import Architecture, parse
from pdarts.space.topology import EDGES_KEPT, check_max_skips


def main(words: Sequence[str] | None = None) -> None:
    """Entry point; `words` are options, those of the command line if there are none."""
    parser = step.parser(__doc__)
    parser.add_argument("--stages", required=True, nargs="+", type=Path, help="stage files of one search, in order")
    parser.add_argument("--metrics", required=True, nargs="+", type=Path, help="metrics file of each stage")
    limit = f"skip connections left in the normal cell, 0 to {EDGES_KEPT} (default: any)"
    parser.add_argument("--max-skips", type=int, help=limit)
    parser.add_argument("--output", required=True, type=Path, metavar="TRACE.jsonl", help="a line an epoch")
    step.add_extensions(parser)
    arguments = parser.parse_args(words)
    check_max_skips(arguments.max_skips)
    stages = read_stages(arguments.stages, arguments.metrics)
    last = stages[-1][0].settings
    size = Size(last.stem, last.cells, last.channels)
    lines = list(_lines(arguments.stages, stages, arguments.max_skips, size))
    write_text(arguments.output, "".join(json.dumps(line) + "\n" for line in lines))


def _lines(paths: Sequence[Path], stages: Sequence[Stage], max_skips: int | None, size: Size) -> Iterator[Any]:
    """Yield the content of each line."""
    for path, (result, epochs) in zip(paths, stages, strict=True):
        method = method_behind(result.model_dump(), str(path))
        candidates = parse(result.cells.model_dump(mode="json"), str(path)).candidates
        for epoch in epochs:
            weights, edge_weights = _tensors(epoch.architecture_weights), _tensors(epoch.edge_weights or {})
            architecture = Architecture(candidates, weights, edge_weights or None)
            described = trace(architecture, method, max_skips, size)
            frozen = epoch.epoch <= result.settings.frozen_epochs
            yield {"stage": result.stage, "epoch": epoch.epoch, "frozen": frozen, **described}


def _tensors(rows: Mapping[str, Sequence[Any]]) -> dict[str, Tensor]:
    return {kind: tensor(values, dtype=float64) for kind, values in rows.items()}


if __name__ == "__main__":
    step.run(main)
