"""How anything is trained: loop, optimisation, metrics, tracking, provenance."""
