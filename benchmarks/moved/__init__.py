"""Which results a change of the code moved: those of two commits, compared bit by bit."""
