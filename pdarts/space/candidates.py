"""The operations that are still considered on every edge; they become fewer from stage to stage."""

from torch import Tensor

from pdarts.space.topology import EDGES, KINDS

Candidates = tuple[tuple[str, ...], ...]
"""Operations still considered, one tuple per edge of `EDGES`."""


def all_candidates(operations: tuple[str, ...]) -> dict[str, Candidates]:
    """The first stage's candidates: the same operations on every edge of both kinds of cell."""
    return {kind: (operations,) * len(EDGES) for kind in KINDS}


def prune(candidates: Candidates, weights: Tensor, keep: int) -> Candidates:
    """Keep the strongest operations of every edge, in their old order; of equally strong ones the earlier is dropped.

    Args:
        candidates: operations still considered, one tuple per edge of `EDGES`.
        weights: architecture weights, shape (edges, operations).
        keep: operations left on each edge, from 1 to the present number.

    Raises:
        ValueError: if `keep` exceeds the present number.

    Source: Chen et al. 2019 (arXiv:1904.12760), section 3.2, search space approximation.
    """
    present = weights.shape[1]
    if not 1 <= keep <= present:
        raise ValueError(f"cannot keep {keep} operations of {present}")
    kept = []
    for operations, row in zip(candidates, weights.tolist(), strict=True):
        weakest_first = sorted(range(present), key=row.__getitem__)  # stable: on a tie the earlier comes first
        dropped = weakest_first[: present - keep]
        kept.append(tuple(name for index, name in enumerate(operations) if index not in dropped))
    return tuple(kept)
