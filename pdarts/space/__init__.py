"""The search space: topology, operations, candidates, genotypes."""
