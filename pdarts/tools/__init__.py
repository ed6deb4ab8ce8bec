"""Commands for people between runs, about costs, results of other machines, and SLURM sites."""
