"""One seed a search or training; everything random in it derives its own from that."""

import hashlib
from random import Random


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A seed from 0 to 2**63 - 1 for one purpose: the first 8 bytes of SHA-256 of `SEED/PURPOSE/…`, without the sign.

    Each epoch seeds its order of images, augmentation and dropout anew, so none depends on what was drawn before.
    """
    digest = hashlib.sha256("/".join(map(str, (seed, *purpose))).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def random_cells(seed: int, max_skips: int | None) -> Random:
    """What random cells of this seed are drawn from; under another limit on skip connections, something else."""
    return Random(derive_seed(seed, "random cells", str(max_skips)))
