"""Programs that serve people between runs: costs, results of other machines, SLURM sites."""
