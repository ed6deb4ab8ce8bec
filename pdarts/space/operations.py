"""Names of operations, as the literature writes them."""

CANDIDATES = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""Operations of the P-DARTS and DARTS search space, in its order."""

SELECTABLE = tuple(name for name in CANDIDATES if name != "none")
"""Those of them that a genotype of this search space can name."""

SKIP = "skip_connect"
"""Name of the operation that skip dropout, skip limits and drop path treat specially."""

OPERATIONS = [*CANDIDATES, "sep_conv_7x7", "conv_7x1_1x7"]
"""All operations that a network can be built of: published cells need two more, and extensions add theirs."""
