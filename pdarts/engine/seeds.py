"""The seeds of all that is random in a search or training, derived from its single seed."""

import hashlib
from random import Random


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Derive a seed from 0 to 2**63 - 1 for one purpose: 63 bits of the SHA-256 of `SEED/PURPOSE/…`.

    Each epoch seeds its order of images, augmentation and dropout anew, so none depends on earlier draws.
    """
    digest = hashlib.sha256("/".join(map(str, (seed, *purpose))).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def random_cells(seed: int, max_skips: int | None) -> Random:
    """The generator of this seed's random cells; every limit on skip connections has another."""
    return Random(derive_seed(seed, "random cells", str(max_skips)))
