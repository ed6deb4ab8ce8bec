"""Networks: the supernet, the evaluation network, and what both are built from."""
