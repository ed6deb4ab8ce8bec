"""What a SLURM site offers and what jobs ask of it."""
