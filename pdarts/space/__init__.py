"""What can be searched: topology, operations, candidates, genotypes."""
