"""A SLURM site: what it offers, and what jobs ask of it."""
