"""The candidates of a stage: all operations at first, then the strongest of the stage before.

Source: Chen et al. 2019 (arXiv:1904.12760), section 3.2, search space approximation.
"""

from pathlib import Path

from pdarts.engine.files import read_json
from pdarts.errors import InputError
from pdarts.settings.searches import StageSettings, not_all
from pdarts.space.architecture import parse
from pdarts.space.candidates import Candidates, all_candidates, prune
from pdarts.space.topology import KINDS


def candidates_of(stage: StageSettings, number: int, previous: Path | None) -> dict[str, Candidates]:
    """The candidates of stage `number`, per kind of cell.

    Args:
        stage: its settings.
        number: 1 for the first stage.
        previous: file of the stage before; None for the first stage.

    Raises:
        InputError: if `previous` does not fit the number, or has fewer operations than the stage considers; or if the
            first stage does not consider all candidates.
    """
    if (number == 1) != (previous is None) or number < 1:
        raise InputError(
            f"--stage is {number} and --previous is {previous}; stage 1 takes no --previous, a later stage takes the "
            "file of the stage before"
        )
    if previous is None:
        if reason := not_all(stage.operations, len(stage.candidates)):
            raise InputError(reason)
        return all_candidates(stage.candidates)
    value = read_json(previous, "stage file", "pdarts.search")
    held = value.get("stage") if isinstance(value, dict) else None
    if held != number - 1:
        raise InputError(f"{previous}: holds stage {held}, but stage {number} needs that of stage {number - 1}")
    before = parse(value.get("cells"), str(previous))
    present = min(rows.shape[1] for rows in before.weights.values())
    if stage.operations > present:
        raise InputError(f"operations is {stage.operations}, but {previous} has {present}; allowed: 2 to {present}")
    return {kind: prune(before.candidates[kind], before.weights[kind], stage.operations) for kind in KINDS}
