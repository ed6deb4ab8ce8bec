"""Search methods, a module each: what differs from DARTS of first order, and nothing else."""
