"""Forms other than our own in which genotypes are written."""
